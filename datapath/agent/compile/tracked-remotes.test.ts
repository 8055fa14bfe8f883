import assert from "node:assert/strict";
import { test } from "node:test";
import { address, cidr } from "../../../semantics/test/rules.ts";
import { longestPrefix } from "./test/interpreter.ts";
import { compileTrackedRemotes } from "./tracked-remotes.ts";

interface Tracking {
  readonly cidrs?: readonly string[];
  readonly outsideCluster?: boolean;
  readonly clusterCidrs?: readonly string[];
}

function isTracked({ cidrs = [], outsideCluster = false, clusterCidrs = [] }: Tracking, remote: string): boolean {
  const entries = compileTrackedRemotes({
    cidrs: cidrs.map(cidr),
    outsideCluster,
    clusterCidrs: clusterCidrs.map(cidr),
  });
  const value = longestPrefix(entries, address(remote));
  return value !== undefined && new DataView(value.buffer, value.byteOffset).getUint16(0, true) !== 0;
}

test("S-60: nothing is configured, nothing is there to ask", () => {
  assert.deepEqual(compileTrackedRemotes({ cidrs: [], outsideCluster: false, clusterCidrs: [cidr("10.0.0.0/8")] }), []);
});

test("S-60: listed remotes are tracked, of both families, and no others", () => {
  const tracking = { cidrs: ["192.0.2.0/28", "2001:db8::/32"] };
  assert.ok(isTracked(tracking, "192.0.2.15"));
  assert.ok(!isTracked(tracking, "192.0.2.16"));
  assert.ok(isTracked(tracking, "2001:db8::1"));
  assert.ok(!isTracked(tracking, "2001:db9::1"));
});

test("S-60: outside the cluster all is tracked, inside only what is listed", () => {
  const tracking = { cidrs: ["10.1.2.3/32"], outsideCluster: true, clusterCidrs: ["10.0.0.0/8", "fd00::/8"] };
  assert.ok(isTracked(tracking, "203.0.113.9"));
  assert.ok(isTracked(tracking, "2001:db8::1"));
  assert.ok(!isTracked(tracking, "10.1.2.4"));
  assert.ok(!isTracked(tracking, "fd00::1"));
  assert.ok(isTracked(tracking, "10.1.2.3"));
});

test("S-60: a listed range that holds the cluster's wins over it", () => {
  const tracking = { cidrs: ["10.0.0.0/7"], outsideCluster: true, clusterCidrs: ["10.0.0.0/8"] };
  assert.ok(isTracked(tracking, "10.0.0.1"));
});
