import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { stateDirectory } from "./keeper/protocol.ts";
import { type Finished, folderOf, sallyport } from "./test/command.ts";
import { closedGroup, scenario, sshGroup } from "./test/scenarios.ts";

interface Lab {
  readonly folder: string;
  /** Runs `sallyport lab` on it. */
  run(command: string, ...words: readonly string[]): Promise<Finished>;
  /** What becomes of a TCP connection from the client to the pod's port 22, where nothing listens. */
  knock(): Promise<string>;
}

let labs = 0;

/** Gives one test a lab's name and files; the lab is down after the test. */
async function labFor(context: TestContext): Promise<Lab> {
  labs += 1;
  const name = `test-${process.pid}-${labs}`;
  const folder = await folderOf(context, {
    "scenario.yaml": scenario("kept", []),
    "ssh.yaml": sshGroup,
    "closed.yaml": closedGroup,
  });
  const run = (command: string, ...words: readonly string[]): Promise<Finished> =>
    sallyport("lab", command, "--name", name, ...words);
  context.after(async () => {
    await run("down");
    assert.equal(existsSync(stateDirectory(name)), false);
  });
  const program = `const socket = require("node:net").connect({ host: "10.244.0.10", port: 22, localPort: 50022 });
    socket.setTimeout(400, () => { console.log("silence"); process.exit(); });
    socket.on("error", ({ code }) => console.log(code));`;
  const knock = async (): Promise<string> =>
    (await run("exec", "client", "--", process.execPath, "-e", program)).out.trim();
  return { folder, run, knock };
}

const keeperOf = ({ out }: Finished): number => Number(/kept by process (\d+)/.exec(out)?.[1]);

test("a lab comes up, shows itself, filters, takes changes, and goes down", async (context) => {
  const lab = await labFor(context);
  const up = await lab.run("up", join(lab.folder, "scenario.yaml"));
  assert.deepEqual([up.code, up.err], [0, ""]);
  assert.match(up.out, /kept is up: 1 pods, 1 hosts/);

  const status = await lab.run("status");
  assert.equal(status.code, 0);
  assert.match(status.out, /web +10\.244\.0\.10,fd00:244::10 +Programmed +0\/32768 +0\n/);
  assert.match(status.out, /client +203\.0\.113\.1,2001:db8::1\n/);

  const addresses = await lab.run("exec", "web", "--", "ip", "-brief", "address", "show", "dev", "eth0");
  assert.equal(addresses.code, 0);
  assert.match(addresses.out, /10\.244\.0\.10\/32 fd00:244::10\/128/);

  // The rule lets it through to the pod's own stack, which refuses: nothing listens.
  assert.equal(await lab.knock(), "ECONNREFUSED");
  const table = await lab.run("conntrack", "web");
  assert.match(table.out, /web +tcp +10\.244\.0\.10:22 +203\.0\.113\.1:50022 +closing +remote/);

  const applied = await lab.run("apply", "-f", join(lab.folder, "closed.yaml"));
  assert.deepEqual([applied.code, applied.out], [0, "SecurityGroup web applied\n"]);
  assert.equal(await lab.knock(), "silence");
  assert.equal((await lab.run("apply", "-f", join(lab.folder, "ssh.yaml"))).code, 0);
  assert.equal(await lab.knock(), "ECONNREFUSED");

  const keeper = keeperOf(status);
  const down = await lab.run("down");
  assert.equal(down.code, 0);
  for (let tries = 0; existsSync(`/proc/${keeper}`) && tries < 500; tries++) await sleep(10);
  assert.equal(existsSync(`/proc/${keeper}`), false);
});

test("exec ends with the command's exit code", async (context) => {
  const lab = await labFor(context);
  await lab.run("up", join(lab.folder, "scenario.yaml"));
  assert.equal((await lab.run("exec", "web", "--", "true")).code, 0);
  assert.equal((await lab.run("exec", "node", "--", "sh", "-c", "exit 7")).code, 7);
  assert.equal((await lab.run("exec", "client", "--", "sh", "-c", "kill -9 $$")).code, 137);
});

test("what can't be done says so: exit code 1 from a lab, 2 before one was asked", async (context) => {
  const lab = await labFor(context);
  for (const [command, ...words] of [["status"], ["conntrack"], ["exec", "web", "--", "true"], ["down"]] as const) {
    const { code, err } = await lab.run(command, ...words);
    assert.equal(code, 2, command);
    assert.match(err, /no lab named .* is up; start one with sallyport lab up/);
  }
  assert.equal((await lab.run("up", join(lab.folder, "none.yaml"))).code, 2);
  assert.equal((await lab.run("up", join(lab.folder, "ssh.yaml"))).code, 2);
  await lab.run("up", join(lab.folder, "scenario.yaml"));
  const again = await lab.run("up", join(lab.folder, "scenario.yaml"));
  assert.equal(again.code, 2);
  assert.match(again.err, /is up already; end it with sallyport lab down/);
  for (const [command, ...words] of [
    ["conntrack", "nobody"],
    ["exec", "nobody", "--", "true"],
  ] as const) {
    const { code, err } = await lab.run(command, ...words);
    assert.equal(code, 1, command);
    assert.match(err, /nobody/);
  }
  assert.equal((await lab.run("apply", "-f", join(lab.folder, "scenario.yaml"))).code, 2);
  assert.equal((await lab.run("apply", "-f", join(lab.folder, "none.yaml"))).code, 2);
});

test("a lab whose keeper was killed is down, and its name is free", async (context) => {
  const lab = await labFor(context);
  await lab.run("up", join(lab.folder, "scenario.yaml"));
  const keeper = keeperOf(await lab.run("status"));
  process.kill(keeper, "SIGKILL");
  for (let tries = 0; existsSync(`/proc/${keeper}`) && tries < 500; tries++) await sleep(10);
  assert.equal((await lab.run("status")).code, 2);
  assert.equal((await lab.run("up", join(lab.folder, "scenario.yaml"))).code, 0);
  assert.equal((await lab.run("status")).code, 0);
});
