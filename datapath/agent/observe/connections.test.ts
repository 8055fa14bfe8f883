import assert from "node:assert/strict";
import { test } from "node:test";
import { addressBytes } from "../../../semantics/address.ts";
import { address } from "../../../semantics/test/rules.ts";
import { constants, structs } from "../abi.generated.ts";
import { EndpointArray } from "../apply/endpoints.ts";
import { makeStruct } from "../bytes.ts";
import { standingClock, stateTimeouts } from "../clock.ts";
import { readConnection } from "./connections.ts";

const endpoints = new EndpointArray(new ArrayBuffer(8 * structs.endpoint.size), 8);
const index = endpoints.claim(3, "uid", 0);
const endpoint = endpoints.at(index);
endpoints.setAddresses(index, [address("10.1.0.1"), address("10.1.0.2"), address("fd00::1")]);
stateTimeouts(standingClock, { tcpEstablished: 350, udpStream: 180, udp: 30 }).forEach((ticks, state) => {
  endpoint.setU32("timeouts", ticks, state);
});

interface Entry {
  readonly remote?: string;
  readonly endpoint?: number;
  readonly ports?: readonly [local: number, remote: number];
  readonly serial?: number;
  readonly protocol?: number;
  readonly kind?: number;
  readonly state?: number;
  readonly flags?: number;
  /** Ticks. */
  readonly seen?: number;
}

const now = 1000;

/** Reads an entry that is a TCP connection of the pod unless said otherwise. */
function read(entry: Entry) {
  const key = makeStruct("connection_key");
  key.window("remote", 16).set(addressBytes(address(entry.remote ?? "203.0.113.9")).bytes);
  key.setU32("endpoint", entry.endpoint ?? endpoint.u32("id"));
  key.setU16("local_port", entry.ports?.[0] ?? 443);
  key.setU16("remote_port", entry.ports?.[1] ?? 50_000);
  key.setU16("serial", entry.serial ?? endpoint.u16("ipv4_serial"));
  key.window("protocol", 1)[0] = entry.protocol ?? 6;
  key.window("kind", 1)[0] = entry.kind ?? 0;
  const state = BigInt(entry.state ?? constants.STATE_ESTABLISHED);
  const generation = 0xffffn;
  const word =
    (generation << 48n) | (BigInt(entry.flags ?? 0) << 40n) | (state << 32n) | BigInt(entry.seen ?? now - 40);
  const row = makeStruct("connection_row");
  row.window("key", structs.connection_key.size).set(key.bytes);
  row.setU64("word", word);
  return readConnection(row, { endpoint, clock: standingClock, now });
}

test("an entry is told with its ends, state, origin and times in seconds", () => {
  assert.deepEqual(read({}), {
    protocol: 6,
    family: 4,
    remote: "203.0.113.9",
    local: "10.1.0.1",
    port: 443,
    remotePort: 50_000,
    state: "established",
    origin: "remote",
    idle: 10,
    remaining: 340,
  });
  assert.equal(read({ flags: constants.CONNECTION_ORIGIN_EGRESS })?.origin, "local");
});

test("the serial says which of the pod's addresses it is, in each family", () => {
  assert.equal(read({ serial: endpoint.u16("ipv4_serial", 1) })?.local, "10.1.0.2");
  const six = { remote: "2001:db8::1", serial: endpoint.u16("ipv6_serial"), kind: constants.KIND_IPV6 };
  const { family, local, remote } = read(six) ?? assert.fail("no row");
  assert.deepEqual({ family, local, remote }, { family: 6, local: "fd00::1", remote: "2001:db8::1" });
});

test("S-31: an echo has its identifier in the port, whoever asked", () => {
  const echo = { protocol: 1, state: constants.STATE_ECHO, seen: now };
  const own = read({ ...echo, ports: [77, 0], flags: constants.CONNECTION_ORIGIN_EGRESS });
  const remote = read({ ...echo, ports: [0, 78], kind: constants.KIND_REMOTE_REQUEST });
  assert.deepEqual([own?.port, own?.remotePort, own?.state], [77, 0, "echo"]);
  assert.deepEqual([remote?.port, remote?.remotePort, remote?.origin], [78, 0, "remote"]);
});

test("every state of abi.h but the claimed one has a name", () => {
  const names = Array.from({ length: constants.STATES }, (_, state) => read({ state, seen: now })?.state);
  assert.deepEqual(names, [
    ...[undefined, "opening", "established", "closing", "datagram", "stream", "echo", "generic"],
  ]);
});

test("S-38: at its timeout an entry is gone, a tick before it is not", () => {
  const timeout = endpoint.u32("timeouts", constants.STATE_CLOSING);
  const closing = (age: number) => read({ state: constants.STATE_CLOSING, seen: now - age });
  assert.deepEqual([closing(timeout - 1)?.remaining, closing(timeout)], [1, undefined]);
});

test("a packet that another CPU saw later than the clock was read is not idle for ages", () => {
  assert.equal(read({ seen: now + 1 })?.idle, 0);
});

test("entries of another endpoint, or of an address that is gone, are not this pod's", () => {
  assert.equal(read({ endpoint: endpoint.u32("id") + 0x10000 }), undefined);
  assert.equal(read({ serial: 0x7777 }), undefined);
});
