import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, parseConfig } from "./config.ts";

test("nothing written is the defaults of the contract (S-15, S-70, S-86)", () => {
  assert.deepEqual(parseConfig(), {
    quotas: { rulesPerGroup: 60, groupsPerEndpoint: 5, rulesPerEndpoint: 1000, aclRules: 20 },
    defaultGroup: null,
    conntrackMax: 32_768,
    dnsAddresses: [],
    antiSpoofing: "Filtered",
  });
});

test("one entry changes alone; addresses are canonical", () => {
  const config = parseConfig({ quotas: { aclRules: 40 }, dnsAddresses: ["FD00::0:A"] });
  assert.equal(config.quotas.aclRules, 40);
  assert.equal(config.quotas.rulesPerGroup, 60);
  assert.deepEqual(config.dnsAddresses, ["fd00::a"]);
});

for (const [written, message] of [
  [{ quotas: { groupsPerEndpoint: 17 } }, /quotas\.groupsPerEndpoint 17 is not a whole number from 1 to 16; write one/],
  [{ defaultGroup: "web" }, /defaultGroup "web" is no group; write namespace\/name, or null/],
  [{ dnsAddresses: ["010.0.0.1"] }, /dnsAddresses \["010\.0\.0\.1"\] holds "010\.0\.0\.1", which is no IP address/],
  [{ antiSpoofing: "Off" }, /antiSpoofing "Off" is no mode; write Filtered or All/],
  [{ conntrackMax: 1.5 }, /conntrackMax 1\.5 is not a whole number/],
  [{ quotas: { rulesPerPod: 5 } }, /quotas\.rulesPerPod is not known; remove it or correct its name/],
] as const) {
  test(`${JSON.stringify(written)} is refused with the remedy`, () => {
    assert.throws(
      () => parseConfig(written),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  });
}

test("all that is wrong is told at once", () => {
  const { message } = (() => {
    try {
      parseConfig({ antiSpoofing: "x", conntrackMax: -1, unknown: true });
    } catch (error) {
      return error as ConfigError;
    }
    return new ConfigError("accepted");
  })();
  assert.equal(message.split("\n").length, 3);
});
