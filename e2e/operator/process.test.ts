import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../cluster/command.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { OperatorProgram } from "./program.ts";
import { eventually, operatorUser, World, writesIn } from "./world.ts";

const main = fileURLToPath(new URL("../../operator/main.ts", import.meta.url));
const lease = "/apis/coordination.k8s.io/v1/namespaces/sallyport-system/leases/sallyport-operator";

let world: World;
let proxy: FaultProxy;

before(async () => {
  world = await World.start();
  proxy = await FaultProxy.start(world.operatorKubeconfig);
  await world.group("web", { ingress: [] });
});

after(async () => {
  await proxy.stop();
  await world.stop();
});

test("--help names every setting with its unit and default, and asks nothing of a cluster", async () => {
  const { code, stdout } = await run(process.execPath, [main, "--help"], { env: { KUBECONFIG: "/nowhere" } });
  assert.equal(code, 0);
  const flags = stdout.split("\n").filter((line) => line.startsWith("  --"));
  const plain = flags.filter((line) => !/^ {2}--[a-z-]+ \([^;]+; default .+\)$/.test(line));
  // Its own path is the one setting without a default.
  assert.deepEqual(plain, ["  --config (path)"]);
  for (const flag of ["--kubeconfig", "--leader-election-lease", "--quotas-rules-per-group", "--anti-spoofing"])
    assert.ok(
      flags.some((line) => line.startsWith(`  ${flag} (`)),
      flag,
    );
});

test("a setting that is wrong ends it with code 2 and the remedy", async () => {
  const { code, stderr } = await run(process.execPath, [main, "--listen=nowhere"]);
  assert.equal(code, 2);
  assert.match(stderr, /^operator: .*listen "nowhere" is no address; write host:port or :port/);
});

test("it is alive from the start, and ready once the last kind has been read", async () => {
  const endless = 1_000_000;
  const isServices = (_method: string, url: string): boolean => url.startsWith("/api/v1/services?");
  proxy.plan({ kind: "status", status: 500 }, isServices, endless);
  const kubeconfig = proxy.writeKubeconfig(join(world.plane.folder, "users", "proxy.kubeconfig"));
  const operator = OperatorProgram.begin(kubeconfig);
  try {
    const asked = () => proxy.requests().filter((line) => /^GET \S*limit=/.test(line)).length;
    await eventually(async () => assert.equal((await operator.fetch("/healthz")).status, 200));
    await eventually(async () => {
      // All other kinds are in the caches, and this one was asked for more than once.
      assert.ok(proxy.requests().filter((line) => line.startsWith("GET /api/v1/services?")).length > 2 && asked() > 10);
      assert.ok((await operator.metric("cached_objects", 'kind="SecurityGroup"')) === 1);
    });
    assert.deepEqual(await operator.fetch("/readyz"), { status: 503, text: "the caches are not whole yet\n" });
    assert.equal(operator.leads, false);
    proxy.heal();
    await operator.ready();
    await eventually(() => assert.ok(operator.leads));
  } finally {
    await operator.stop();
  }
});

for (const signal of ["SIGTERM", "SIGINT"] as const)
  test(`${signal} in the middle of work: it ends with code 0, gives up the lease, and writes nothing afterwards`, async () => {
    const operator = await OperatorProgram.start(world.operatorKubeconfig);
    await eventually(() => assert.ok(operator.leads));
    const name = `p-${signal.toLowerCase()}`;
    const audit = world.auditFromNow();
    await world.pod(name, { labels: { web: "" } });
    await eventually(() => assert.ok(writesIn(audit(), "node.sallyport.dev").length > 0));
    await world.address(name, "10.244.0.1");
    await operator.stop(signal);
    const own = audit().filter(({ user }) => user.username === operatorUser.name);
    assert.equal(operator.exitCode, 0);
    const { spec } = (await world.ask("GET", lease)) as { spec: { holderIdentity: string } };
    assert.equal(spec.holderIdentity, "");
    await world.remove("Pod", name);
    const afterwards = audit().filter(({ user }) => user.username === operatorUser.name);
    assert.equal(afterwards.length, own.length);
    assert.equal(
      own.findLast(({ stage, verb }) => stage === "ResponseComplete" && verb !== "watch")?.objectRef?.resource,
      "leases",
    );
  });
