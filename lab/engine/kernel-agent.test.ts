import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import { KernelEngine } from "./kernel.ts";
import { beginScenario, client, conversation, packet, syn, tableOf, web } from "./test/fixture.ts";

const engine = new KernelEngine({ clock: "standing" });

after(() => engine.stop());

const begin = (tableSize?: number): Promise<void> => beginScenario(engine, tableSize);
const states = (): Promise<string[]> => tableOf(engine);

describe("the agent and its runs", () => {
  afterEach(() => engine.end());

  test("connections live on when the agent is killed and started again", async () => {
    await begin();
    await engine.connect(conversation("ssh", [client, web], 6, 22));
    const before = engine.agentPid;
    await engine.restartAgent();
    assert.notEqual(engine.agentPid, before);
    assert.deepEqual(await states(), ["6 22 established"]);
    assert.equal((await engine.exchange("ssh")).succeeded, true);
  });

  test("time moves by advance only, and takes entries along (S-38)", async () => {
    await begin();
    await engine.connect(conversation("ssh", [client, web], 6, 22));
    await engine.advance(349);
    assert.deepEqual(await states(), ["6 22 established"]);
    await engine.advance(1);
    assert.deepEqual(await states(), []);
  });

  test("a second scenario starts clean, with the same agent", async () => {
    await begin();
    await engine.send(client, web, [packet(client, web, syn(22))]);
    const before = engine.agentPid;
    await engine.end();
    await begin();
    assert.equal(engine.agentPid, before);
    assert.equal((await engine.metrics(web)).conntrack_used, 0);
    assert.equal((await engine.send(client, web, [packet(client, web, syn(80))])).delivered, 1);
  });

  test("another table size is another table (S-72)", async () => {
    await begin(4096);
    const before = engine.agentPid;
    await engine.end();
    await begin(64);
    assert.notEqual(engine.agentPid, before);
    const flood = Array.from({ length: 100 }, (_, index) => packet(client, web, syn(22, 20_000 + index)));
    const { delivered } = await engine.send(client, web, flood);
    const { conntrack_table_full, conntrack_used } = await engine.metrics(web);
    assert.equal(delivered, conntrack_used);
    assert.equal(delivered + conntrack_table_full, 100);
    assert.ok(conntrack_table_full > 0);
  });

  test("an agent that died is replaced for the next scenario", async () => {
    await begin();
    const pid = engine.agentPid;
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await assert.rejects(engine.metrics(web), /agent/);
    await engine.end();
    await begin();
    assert.equal((await engine.send(client, web, [packet(client, web, syn(80))])).delivered, 1);
  });

  test("a machine that is taken away is out of reach", async () => {
    await begin();
    await engine.connect(conversation("ssh", [client, web], 6, 22));
    await engine.removeMachine(client);
    assert.deepEqual(await engine.exchange("ssh"), { succeeded: false, sightings: [] });
    await assert.rejects(engine.send(client, web, [packet(client, web, syn(80))]), /client is not there/);
  });
});
