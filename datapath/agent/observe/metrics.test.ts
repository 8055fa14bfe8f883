import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, structs } from "../abi.generated.ts";
import { makeStruct } from "../bytes.ts";
import { readMetrics } from "./metrics.ts";

function counters(cpus: readonly (readonly [direction: number, reason: number, packets: bigint])[][]): Uint8Array {
  const { size, fields } = structs.endpoint_counters;
  const bytes = new Uint8Array(size * cpus.length);
  const view = new DataView(bytes.buffer);
  cpus.forEach((counts, cpu) => {
    for (const [direction, reason, packets] of counts) {
      view.setBigUint64(cpu * size + fields.packets + (direction * constants.REASONS + reason) * 8, packets, true);
    }
  });
  return bytes;
}

test("packets are summed over CPUs, by direction and reason, and zeros left out", () => {
  const { DIRECTION_INGRESS: ingress, DIRECTION_EGRESS: egress } = constants;
  const { packets } = readMetrics(
    makeStruct("endpoint"),
    counters([
      [
        [ingress, constants.REASON_RULE, 2n],
        [egress, constants.REASON_NOT_PROGRAMMED, 1n],
      ],
      [[ingress, constants.REASON_RULE, 3n]],
    ]),
  );
  assert.deepEqual(packets, { ingress: { rule: 5 }, egress: { "not-programmed": 1 } });
});

test("S-71: what is left is the maximum without what is used, and never below zero", () => {
  const endpoint = makeStruct("endpoint");
  endpoint.setU32("conntrack_max", 10);
  endpoint.setU32("used", 4);
  const available = () => readMetrics(endpoint, new Uint8Array()).conntrack_allowance_available;
  assert.equal(available(), 6);
  endpoint.setU32("conntrack_max", 3);
  assert.equal(available(), 0);
});

test("every counter of section 5 is read from its own field", () => {
  const endpoint = makeStruct("endpoint");
  const names = [
    "conntrack_allowance_exceeded",
    "conntrack_table_full",
    "bw_in_allowance_exceeded",
    "bw_out_allowance_exceeded",
    "pps_allowance_exceeded",
    "linklocal_allowance_exceeded",
  ] as const;
  const view = new DataView(endpoint.bytes.buffer);
  names.forEach((name, i) => {
    view.setBigUint64(structs.endpoint.fields[name], BigInt(i + 1), true);
  });
  const metrics = readMetrics(endpoint, new Uint8Array());
  assert.deepEqual(
    names.map((name) => metrics[name]),
    [1, 2, 3, 4, 5, 6],
  );
});
