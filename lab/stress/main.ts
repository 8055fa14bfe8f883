/** `npm run stress -- --kills N`: kills the agent N times with traffic running, and says what the traffic saw. */
import { parseArgs } from "node:util";
import { runKills } from "./kills.ts";

const { values } = parseArgs({ options: { kills: { type: "string", default: "1000" } } });
const kills = Number(values.kills);
if (!Number.isSafeInteger(kills) || kills < 1) {
  process.stderr.write(`stress: --kills ${values.kills} is no count; give a whole number above zero\n`);
  process.exitCode = 2;
} else {
  const report = await runKills(kills, Math.random, (kill) => {
    if (kill % 10 === 0) process.stderr.write(`stress: ${kill} of ${kills} kills\n`);
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.lost + report.refused + report.forbidden === 0 ? 0 : 1;
}
