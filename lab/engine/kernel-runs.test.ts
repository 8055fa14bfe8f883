import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openBpf } from "../../datapath/loader/open.ts";
import { checkAvailable } from "./kernel/availability.ts";
import { KernelEngine } from "./kernel.ts";
import { EngineUnavailable } from "./ports.ts";
import type { Holdings } from "./test/doomed-run.ts";
import { client, conversation, endpoints, packet, stateOf, syn, web } from "./test/fixture.ts";

const doomedRun = fileURLToPath(new URL("./test/doomed-run.ts", import.meta.url));

/** The kernel frees what nobody holds a little after its last holder is gone. */
async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (holds()) return;
    await sleep(20);
  }
  assert.fail(`still not so: ${what}`);
}

function mapIsGone(id: number): boolean {
  try {
    openBpf().openMap(id).close();
    return false;
  } catch {
    return true;
  }
}

/** Whether a process is in the network namespace, or holds it open. */
function isHeld(namespace: string): boolean {
  const links = (folder: string): string[] => {
    try {
      return readdirSync(folder).map((name) => readlinkSync(`${folder}/${name}`));
    } catch {
      // A process that ended while this looked.
      return [];
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => links(`/proc/${pid}/ns`).includes(namespace) || links(`/proc/${pid}/fd`).includes(namespace));
}

const mounts = (): string[] =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => /sallyport|netns|nsfs/.test(line));

test("nothing is left of a run that was killed", async () => {
  const mountsBefore = mounts();
  const child = spawn(process.execPath, [doomedRun], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const { agentPid, maps, namespaces } = JSON.parse(line) as Holdings;
  assert.ok(maps.length > 5 && !maps.some(mapIsGone) && namespaces.every(isHeld), "the run holds what it should");
  child.kill("SIGKILL");
  await once(child, "close");
  await eventually("the agent has ended", () => !existsSync(`/proc/${agentPid}`));
  await eventually("its maps are gone", () => maps.every(mapIsGone));
  await eventually("its namespaces are held by nobody", () => !namespaces.some(isHeld));
  assert.deepEqual(mounts(), mountsBefore);
});

test("two runs side by side, with the same names and addresses, do not meet", async () => {
  const engines = [new KernelEngine({ clock: "standing" }), new KernelEngine({ clock: "standing" })] as const;
  const [first, second] = engines;
  try {
    for (const engine of engines) {
      await engine.begin({ tableSize: 64 });
      for (const machine of [web, client]) await engine.addMachine(machine);
    }
    const state = stateOf();
    await first.program(state, endpoints.slice(0, 1));
    await second.program({ ...stateOf({ rules: [], revision: "2" }) }, endpoints.slice(0, 1));
    assert.equal((await first.connect(conversation("ssh", [client, web], 6, 22))).succeeded, true);
    assert.equal((await second.connect(conversation("ssh", [client, web], 6, 22))).succeeded, false);
    await first.advance(10);
    assert.deepEqual(
      [await first.connections(web), await second.connections(web)].map((rows) => rows.length),
      [1, 0],
    );
    await second.stop();
    assert.equal((await first.exchange("ssh")).succeeded, true);
    assert.equal((await first.send(client, web, [packet(client, web, syn(80))])).delivered, 1);
  } finally {
    for (const engine of engines) await engine.stop();
  }
});

test("an ended run holds no descriptor more than before", async () => {
  const open = (): number => readdirSync("/proc/self/fd").length;
  const engine = new KernelEngine({ clock: "standing" });
  const before = open();
  await engine.begin({ tableSize: 64 });
  for (const machine of [web, client]) await engine.addMachine(machine);
  await engine.program(stateOf(), endpoints.slice(0, 1));
  await engine.connect(conversation("ssh", [client, web], 6, 22));
  await engine.end();
  await engine.stop();
  await eventually("as many descriptors as before", () => open() <= before);
});

test("where the engine can't run it says why and what to do", () => {
  assert.throws(() => checkAvailable(1000, "6.18.0"), {
    name: "EngineUnavailable",
    message: /needs root/,
    remedy: /as root/,
  });
  assert.throws(() => checkAvailable(0, "5.15.0-91-generic"), {
    name: "EngineUnavailable",
    message: /Linux 6\.1 or later, this is 5\.15\.0-91-generic/,
    remedy: /newer kernel/,
  });
  assert.doesNotThrow(() => checkAvailable(0, "6.1.0-18-amd64"));
  assert.ok(new EngineUnavailable("m", "r") instanceof Error);
});
