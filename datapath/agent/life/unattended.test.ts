import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openBpf } from "../../loader/open.ts";
import type { BpfMap } from "../../loader/ports.ts";
import { enterSandbox, sandboxBpffs } from "../../loader/test/sandbox.ts";
import { constants } from "../abi.generated.ts";
import { EndpointArray } from "../apply/endpoints.ts";
import { StructView } from "../bytes.ts";

enterSandbox();
const bpf = openBpf();
const script = fileURLToPath(new URL("./test/beating-agent.ts", import.meta.url));
const made = 100;
/** How long what comes by itself is waited for, in milliseconds: far longer than it takes. */
const patience = 120_000;
const agents: ChildProcess[] = [];
after(() => {
  for (const agent of agents) agent.kill("SIGKILL");
});

async function startAgent(folder: string, unattendedAfter: number): Promise<ChildProcess> {
  mkdirSync(join(sandboxBpffs, folder));
  const agent = spawn(process.execPath, [script, folder, `${unattendedAfter}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  agents.push(agent);
  await once(agent.stdout, "data");
  return agent;
}

/** Opens a pinned map for as long as it is read: in between nobody but its pin holds it, as after an agent's death. */
function readMap<T>(folder: string, name: string, read: (map: BpfMap) => T): T {
  const maps = join(sandboxBpffs, folder, "maps");
  const [layout = ""] = readdirSync(maps);
  const map = bpf.openPinnedMap(join(maps, layout, name));
  try {
    return read(map);
  } finally {
    map.close();
  }
}

/** Words of slots that are not free. */
const wordsOf = (bucket: Uint8Array): readonly bigint[] => {
  const view = new StructView("connection_bucket", bucket.buffer, bucket.byteOffset);
  return Array.from({ length: constants.BUCKET_SLOTS }, (_, slot) => view.u64("word", slot)).filter(
    (word) => word !== 0n,
  );
};

const entries = (folder: string): number =>
  readMap(folder, "connections", (map) => [...map.entries()].flatMap(([, bucket]) => wordsOf(bucket)).length);

const used = (folder: string): number =>
  readMap(folder, "endpoints", (map) => {
    const endpoints = new EndpointArray(map.mmap(), map.maxEntries);
    return [...endpoints.used()].reduce((sum, index) => sum + endpoints.at(index).u32("used"), 0);
  });

test("S-71: with no agent alive, entries whose time is up leave table and count by themselves", async () => {
  const agent = await startAgent("killed", 1);
  assert.deepEqual([entries("killed"), used("killed")], [made, made]);
  agent.kill("SIGKILL");
  await once(agent, "exit");
  for (const end = performance.now() + patience; entries("killed") > 0; await pause(200)) {
    assert.ok(performance.now() < end, `${entries("killed")} entries are left`);
  }
  assert.equal(used("killed"), 0);
});

test("while an agent is there, sweeping is left to it alone", async () => {
  const agent = await startAgent("alive", 2);
  // Several times what entries live and what a silent agent counts as gone after.
  await pause(7000);
  assert.deepEqual([entries("alive"), used("alive")], [made, made]);
  agent.kill("SIGKILL");
  await once(agent, "exit");
});
