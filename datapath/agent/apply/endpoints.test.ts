import assert from "node:assert/strict";
import { test } from "node:test";
import { address } from "../../../semantics/test/rules.ts";
import { constants, structs } from "../abi.generated.ts";
import { checkAddresses, EndpointArray, readPolicy } from "./endpoints.ts";

const slots = 8;

function make(memory = new ArrayBuffer(slots * structs.endpoint.size)) {
  return { memory, endpoints: new EndpointArray(memory, slots) };
}

test("an endpoint lies where its interface number points, or in one of the next three slots", () => {
  const { endpoints } = make();
  assert.deepEqual(
    [3, 11, 19, 27].map((ifindex) => endpoints.claim(ifindex, `uid-${ifindex}`, 0)),
    [3, 4, 5, 6],
  );
  assert.throws(() => endpoints.claim(35, "uid", 0), /no endpoint slot for interface 35: raise/);
  assert.deepEqual([...endpoints.used()].sort(), [3, 4, 5, 6]);
});

test("probing goes around the end of the array, as the programs' does", () => {
  const { endpoints } = make();
  assert.deepEqual(
    [7, 15].map((ifindex) => endpoints.claim(ifindex, "uid", 0)),
    [7, 0],
  );
});

test("an id names its slot, and the next endpoint of the slot gets another", () => {
  const { endpoints } = make();
  const first = endpoints.at(endpoints.claim(3, "a", 0)).u32("id");
  endpoints.free(3);
  const second = endpoints.at(endpoints.claim(3, "b", 0)).u32("id");
  assert.equal(first & 0xffff, 3);
  assert.equal(second & 0xffff, 3);
  assert.notEqual(first, second);
});

test("a fresh endpoint is closed and has nothing of the slot's former one", () => {
  const { endpoints } = make();
  const index = endpoints.claim(3, "a", 5);
  endpoints.setAddresses(index, [address("10.0.0.1")]);
  endpoints.setPolicy(index, { rules: 4, acl: 0, flags: constants.POLICY_PROGRAMMED });
  endpoints.free(index);
  const view = endpoints.at(endpoints.claim(3, "b", 6));
  assert.equal(readPolicy(view).flags & constants.POLICY_PROGRAMMED, 0);
  assert.deepEqual([view.u16("ipv4_serial"), view.u32("counters"), view.u32("used")], [0, 6, 0]);
});

test("the policy word comes back as it was set", () => {
  const { endpoints } = make();
  const index = endpoints.claim(3, "a", 0);
  const word = { rules: 1023, acl: 513, flags: constants.POLICY_PROGRAMMED | constants.POLICY_ADOPT };
  endpoints.setPolicy(index, word);
  assert.deepEqual(readPolicy(endpoints.at(index)), word);
});

test("S-54: an address that stays keeps its serial; one that comes back has a new one", () => {
  const { endpoints } = make();
  const index = endpoints.claim(3, "a", 0);
  const view = endpoints.at(index);
  const [one, two, six] = ["10.0.0.1", "10.0.0.2", "fd00::1"].map(address) as [never, never, never];
  assert.equal(endpoints.setAddresses(index, [one, six]), false);
  const serial = view.u16("ipv4_serial");
  assert.equal(endpoints.setAddresses(index, [two, one, six]), false);
  assert.equal(view.u16("ipv4_serial"), serial);
  assert.equal(endpoints.setAddresses(index, [two, six]), true);
  assert.equal(view.u16("ipv4_serial"), 0);
  endpoints.setAddresses(index, [one, two, six]);
  assert.notEqual(view.u16("ipv4_serial"), serial);
  const serials = [0, 1].map((slot) => view.u16("ipv4_serial", slot));
  assert.equal(new Set([...serials, view.u16("ipv6_serial")]).size, 3);
});

test("an agent that restarts gives out no serial that an address has", () => {
  const { memory, endpoints } = make();
  const index = endpoints.claim(3, "a", 0);
  endpoints.setAddresses(index, [address("10.0.0.1")]);
  const serial = endpoints.at(index).u16("ipv4_serial");
  const again = new EndpointArray(memory, slots);
  assert.deepEqual([...again.used()], [index]);
  again.setAddresses(again.claim(4, "b", 1), [address("10.0.0.2")]);
  assert.notEqual(again.at(4).u16("ipv4_serial"), serial);
});

test("addresses that do not fit are named, with their family's limit", () => {
  const four = [1, 2, 3, 4].map((host) => address(`10.0.0.${host}`));
  assert.equal(checkAddresses([...four, address("fd00::1")]), undefined);
  assert.match(checkAddresses([...four, address("10.0.0.5")]) ?? "", /^5 IPv4 addresses \(10\.0\.0\.1, .*at most 4/);
});
