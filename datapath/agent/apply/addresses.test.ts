import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { Cidr } from "../../../semantics/policy.ts";
import { cidr } from "../../../semantics/test/rules.ts";
import { openBpf } from "../../loader/open.ts";
import { structs } from "../abi.generated.ts";
import { IdentityTable } from "./addresses.ts";

const key = { keySize: structs.address_key.size, valueSize: 4 } as const;
const map = openBpf().createMap({ type: "hash", name: "identities", ...key, maxEntries: 16 });
after(() => map.close());

function members(entries: Readonly<Record<string, number>>): ReadonlyMap<Cidr, number> {
  return new Map(Object.entries(entries).map(([text, identity]) => [cidr(text), identity] as const));
}

/** Identities in the map by the last byte of an IPv4 address. */
function held(): ReadonlyMap<number | undefined, number | undefined> {
  return new Map([...map.entries()].map(([bytes, identity]) => [bytes[3], identity[0]] as const).sort());
}

const two = members({ "10.0.0.1/32": 1, "10.0.0.2/32": 2 });

test("new members are known at once, and old ones until the endpoints have changed over", () => {
  const table = new IdentityTable(map);
  table.apply(two)();
  const remove = table.apply(members({ "10.0.0.1/32": 5, "10.0.0.3/32": 3 }));
  assert.deepEqual(
    [...held()],
    [
      [1, 5],
      [2, 2],
      [3, 3],
    ],
  );
  remove();
  assert.deepEqual(
    [...held()],
    [
      [1, 5],
      [3, 3],
    ],
  );
});

test("a step that failed before old members went is made good by the next one, also where it wants what was before", () => {
  const table = new IdentityTable(map);
  table.apply(two)();
  table.apply(members({ "10.0.0.3/32": 3 }));
  table.apply(two)();
  assert.deepEqual(
    [...held()],
    [
      [1, 1],
      [2, 2],
    ],
  );
});

test("a new agent removes what a former one left", () => {
  new IdentityTable(map).apply(two)();
  new IdentityTable(map).apply(members({ "10.0.0.2/32": 2 }))();
  assert.deepEqual([...held()], [[2, 2]]);
});
