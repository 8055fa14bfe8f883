import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { Machine } from "../engine/ports.ts";
import type { Arena } from "./arena.ts";
import { ethernet } from "./frame.ts";
import type { Order } from "./sender.ts";

const sender = fileURLToPath(new URL("./sender.ts", import.meta.url));

/** The packets of one sender. */
export interface Runner {
  readonly from: Machine;
  readonly packets: readonly Uint8Array[];
}

/**
 * Sends from processes on CPUs of their own, all at the same moment, and does something else over and over while they
 * do; resolves when all is sent.
 */
export async function race(
  arena: Arena,
  runners: readonly Runner[],
  meanwhile?: (turn: number) => Promise<unknown>,
): Promise<void> {
  const children = runners.map(({ from }, index) => {
    const netns = arena.station(from).namespace.path;
    const cpu = String(index % availableParallelism());
    return spawn("nsenter", [`--net=${netns}`, "--", "taskset", "-c", cpu, process.execPath, sender], {
      stdio: ["pipe", "pipe", "inherit"],
    });
  });
  const ended = children.map((child) => once(child, "close"));
  await Promise.all(
    children.map(async (child, index) => {
      const { from, packets } = runners[index] ?? { packets: [] };
      if (from === undefined) return;
      const ends = arena.ends(from);
      const order: Order = {
        ifindex: arena.station(from).end.ifindex,
        frames: packets.map((packet) => Buffer.from(ethernet(ends, packet)).toString("base64")),
      };
      child.stdin.write(`${JSON.stringify(order)}\n`);
      await once(child.stdout, "data");
    }),
  );
  for (const child of children) child.stdin.end("\n");
  let sending = true;
  const all = Promise.all(ended).finally(() => {
    sending = false;
  });
  for (let turn = 0; sending && meanwhile !== undefined; turn++) await meanwhile(turn);
  for (const [code] of await all) if (code !== 0) throw new Error(`a sender ended with ${code}`);
}
