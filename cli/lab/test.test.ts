import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { folderOf, sallyport, start } from "./test/command.ts";
import { failing, holding, scenario } from "./test/scenarios.ts";

test("exit code 0 where every expectation holds, in the model", async (context) => {
  const folder = await folderOf(context, { "holding.yaml": holding });
  const { code, out, err } = await sallyport("lab", "test", folder);
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /holding \(model\)/);
  assert.match(out, /1 passed/);
});

test("exit code 0 where both engines agree and hold; their comparison is a case of its own", async (context) => {
  const folder = await folderOf(context, { "holding.yaml": holding });
  const { code, out, err } = await sallyport("lab", "test", "--engine", "both", folder);
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /holding \(kernel\)/);
  assert.match(out, /3 passed/);
});

for (const engine of ["model", "kernel"]) {
  test(`exit code 1 where one fails, in the ${engine} engine: file, line, expected, happened and why`, async (context) => {
    const folder = await folderOf(context, { "failing.yaml": failing });
    const { code, out } = await sallyport("lab", "test", "--engine", engine, join(folder, "failing.yaml"));
    assert.equal(code, 1);
    const line = failing.split("\n").findIndex((text) => text.includes("expect:")) + 1;
    assert.ok(out.includes(`failing.yaml:${line}`), out);
    assert.match(out, /delivered true/);
    assert.match(out, /delivered false/);
    assert.match(out, /no-rule/);
    assert.match(out, /default\/web/);
  });
}

test("exit code 2 for an invalid file, with every fault in it", async (context) => {
  const invalid = scenario("invalid", [
    "packet: { from: client, to: web, protocol: tcp, port: 65536 }",
    "advance: soon",
  ]);
  const folder = await folderOf(context, { "invalid.yaml": invalid });
  const { code, out, err } = await sallyport("lab", "test", folder);
  assert.deepEqual([code, out], [2, ""]);
  assert.match(err, /invalid\.yaml:\d+: .*steps\[0\].*65536/);
  assert.match(err, /invalid\.yaml:\d+: .*steps\[1\].*soon/);
  assert.match(err, /2 problems/);
});

test("exit code 2 for files that are not there, hold nothing, or words that mean nothing", async (context) => {
  const folder = await folderOf(context, {});
  for (const words of [
    [join(folder, "none.yaml")],
    [folder],
    [],
    ["--engine", "steam", folder],
    ["--output", "x", folder],
  ]) {
    const { code, out, err } = await sallyport("lab", "test", ...words);
    assert.deepEqual([code, out], [2, ""], words.join(" "));
    assert.notEqual(err, "");
  }
});

test("every output says what failed, and the exit code is the same", async (context) => {
  const folder = await folderOf(context, { "a.yaml": `${holding}---\n${failing}` });
  const report = async (output: string): Promise<string> => {
    const { code, out } = await sallyport("lab", "test", "--output", output, folder);
    assert.equal(code, 1, output);
    return out;
  };
  assert.match(await report("tap"), /^TAP version 14\n1\.\.2\n/);
  assert.match(await report("junit"), /<testsuites?[^>]* failures="1"/);
  const { cases } = JSON.parse(await report("json")) as { cases: readonly { failures: readonly unknown[] }[] };
  assert.deepEqual(
    cases.map(({ failures }) => failures.length),
    [0, 1],
  );
});

test("an interrupt ends a run in the kernel in good order, with exit code 1", async (context) => {
  const files = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`s${index}.yaml`, holding.replace("name: holding", `name: s${index}`)]),
  );
  const folder = await folderOf(context, files);
  const { child, finished } = start("lab", "test", "--engine", "kernel", folder);
  await once(child, "spawn");
  // It listens for interrupts only once it has read the files; an earlier one would end it as it ends any process.
  await agentOf(child.pid ?? 0);
  child.kill("SIGINT");
  const { code, err } = await finished;
  assert.deepEqual([code, err], [1, "interrupted\n"]);
});

/** Waits until a process has started an agent; returns its process id. */
async function agentOf(pid: number): Promise<number> {
  for (;;) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
    const [agent] = children.split(" ").filter((word) => word !== "");
    if (agent !== undefined) return Number(agent);
    await sleep(20);
  }
}
