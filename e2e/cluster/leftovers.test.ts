import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { clusterFolder, removeFolder } from "./folder.ts";

interface Held {
  readonly folder: string;
  readonly pids: readonly number[];
}

/** Starts a process that holds a control plane. */
async function hold(): Promise<{ readonly child: ChildProcess; readonly held: Held }> {
  const holder = fileURLToPath(new URL("holder.ts", import.meta.url));
  const child = spawn(process.execPath, [holder], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { child, held: JSON.parse(line.toString()) as Held };
}

/** Whether the process runs; one that has ended and was not waited for yet does not. */
function runs(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

async function end(child: ChildProcess, signal: NodeJS.Signals, { pids }: Held): Promise<void> {
  assert.equal(pids.length, 4);
  assert.ok(pids.every(runs));
  child.kill(signal);
  await once(child, "exit");
  while (pids.some(runs)) await sleep(20);
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  test(`${signal} leaves neither processes nor files`, async () => {
    const { child, held } = await hold();
    await end(child, signal, held);
    assert.equal(child.signalCode, signal);
    assert.ok(!existsSync(held.folder));
  });

test("SIGKILL leaves no processes, and its files go when the next cluster comes", async () => {
  const { child, held } = await hold();
  await end(child, "SIGKILL", held);
  assert.ok(existsSync(held.folder));
  removeFolder(clusterFolder());
  assert.ok(!existsSync(held.folder));
});
