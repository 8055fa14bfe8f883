import assert from "node:assert/strict";
import { test } from "node:test";
import { describeSettings, readProcessConfig } from "./process-config.ts";
import { ConfigError } from "./settings.ts";

const noFile = (): string => {
  throw new Error("no file is named");
};

test("a flag wins over the environment, that over the file, that over the default", () => {
  const file = "policy: {quotas: {aclRules: 30, rulesPerGroup: 50}}\nqueueInterval: 7\nlogLevel: warn\n";
  const environment = { SALLYPORT_CONFIG: "f", SALLYPORT_QUOTAS_ACL_RULES: "35", SALLYPORT_LOG_LEVEL: "error" };
  const config = readProcessConfig(
    ["--log-level=debug", "--dns-addresses", "10.96.0.10,fd00::0a"],
    environment,
    () => file,
  );
  assert.equal(config.logLevel, "debug");
  assert.equal(config.policy.quotas.aclRules, 35);
  assert.equal(config.policy.quotas.rulesPerGroup, 50);
  assert.equal(config.queueInterval, 7);
  assert.equal(config.leaderElection.lease, 15_000);
  assert.deepEqual(config.policy.dnsAddresses, ["10.96.0.10", "fd00::a"]);
});

for (const [args, message] of [
  [["--no-such=1"], /--no-such is not known; see --help/],
  [["--log-level"], /--log-level needs a value; write --log-level=VALUE/],
  [
    ["--log-level=loud", "--conntrack-max=-1"],
    /logLevel "loud" is not known.*\n.*conntrackMax "-1" is not a whole number/,
  ],
  [["--leader-election-deadline=20000"], /deadline 20000 and lease 15000; write them so that retry < deadline < lease/],
  [["--leader-election-enabled=yes"], /leaderElection\.enabled "yes" is neither true nor false/],
] as const)
  test(`${args.join(" ")} is refused with the remedy`, () => {
    assert.throws(
      () => readProcessConfig(args, {}, noFile),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  });

test("help lists every setting with its unit and default", () => {
  const help = describeSettings();
  assert.match(help, /--leader-election-lease \(milliseconds; default 15000\)\n.*\n.*SALLYPORT_LEADER_ELECTION_LEASE/);
  assert.match(help, /--quotas-rules-per-group \(rules; default 60\)\n.*\n.*in the file policy\.quotas\.rulesPerGroup/);
});
