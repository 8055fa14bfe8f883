/** The operator as a program: `node operator/main.ts`, `--help` for its settings. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { systemTimers } from "./kube/timers.ts";
import { loadKubeConfig } from "./kube/transport.ts";
import { Operator } from "./operator.ts";
import { describeSettings, readProcessConfig } from "./process-config.ts";
import { ConfigError } from "./settings.ts";

const usage = `usage: node operator/main.ts [--FLAG=VALUE]...
Compiles SecurityGroups and the objects around them to what node agents enforce.
Flags win over the environment, the environment over the file.

`;

async function run(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(usage + describeSettings());
    return 0;
  }
  const read = readProcessConfig(args, process.env, (path) => readFileSync(path, "utf8"));
  // Two processes of one name would both take the lease for theirs.
  const config = { ...read, identity: `${read.identity}_${randomUUID()}` };
  const log = pino({ level: config.logLevel, base: { replica: config.identity } });
  const operator = new Operator(loadKubeConfig(config.kubeconfig), config, {
    timers: systemTimers,
    chance: Math.random,
    date: () => new Date(),
    log,
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const)
    process.once(signal, () => {
      log.info({ signal }, "stopping");
      operator.stop();
    });
  await operator.run();
  return 0;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`operator: ${error.message}\n`);
  process.exitCode = 2;
}
