/**
 * Real connections of one machine, in a process of its own, so that they go on whatever becomes of the agent:
 * `node traffic.ts serve` answers on every port of the stress; `node traffic.ts ask ADDRESS` keeps a connection open,
 * opens new ones, and tries the port that no rule permits. Prints a JSON report when its input ends.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { ports, type TrafficReport } from "./ports.ts";

/** How long an answer may take, in milliseconds, before the connection counts as dead: longer than any restart. */
const patience = 30_000;
/** How long a connection that must not come about is waited for. */
const glance = 60;

async function serve(): Promise<void> {
  const servers = Object.values(ports).map((port) =>
    createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.pipe(socket);
    }).listen(port, "0.0.0.0"),
  );
  await Promise.all(servers.map((server) => once(server, "listening")));
  process.stdout.write("ready\n");
  await text(process.stdin);
  process.exit(0);
}

async function opened(address: string, port: number, wait: number): Promise<Socket | undefined> {
  const socket = connect(port, address);
  socket.on("error", () => {});
  const signal = AbortSignal.timeout(wait);
  try {
    await once(socket, "connect", { signal });
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}

async function echoes(socket: Socket, word: string): Promise<boolean> {
  socket.write(word);
  try {
    const [answer] = (await once(socket, "data", { signal: AbortSignal.timeout(patience) })) as [Buffer];
    return answer.toString() === word;
  } catch {
    return false;
  }
}

async function ask(address: string): Promise<void> {
  const counts = { exchanges: 0, lost: 0, opened: 0, refused: 0, forbidden: 0, tried: 0 };
  let running = true;
  const kept = await opened(address, ports.kept, patience);
  if (kept === undefined) throw new Error(`no connection to ${address}`);
  process.stdout.write("ready\n");
  const loops = [
    async () => {
      if (await echoes(kept, `${counts.exchanges}`)) counts.exchanges += 1;
      else counts.lost += 1;
      await pause(5);
    },
    async () => {
      const socket = await opened(address, ports.open, patience);
      if (socket === undefined) counts.refused += 1;
      else counts.opened += 1;
      socket?.resetAndDestroy();
      await pause(20);
    },
    async () => {
      counts.tried += 1;
      const socket = await opened(address, ports.forbidden, glance);
      if (socket !== undefined) counts.forbidden += 1;
      socket?.destroy();
    },
  ].map(async (turn) => {
    while (running) await turn();
  });
  await text(process.stdin);
  running = false;
  await Promise.all(loops);
  kept.destroy();
  const report: TrafficReport = counts;
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

const [role, address = ""] = process.argv.slice(2);
await (role === "serve" ? serve() : ask(address));
