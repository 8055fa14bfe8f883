import type { AddressSet, Cidr } from "../../semantics/policy.ts";
import type { StoredObject } from "../ports.ts";
import type { CompiledChanges } from "./apply.ts";

/** Changes of compiled objects, cut in two. */
export interface PostponedChanges {
  readonly now: CompiledChanges;
  /** Names of the address sets whose changes wait. */
  readonly waiting: ReadonlySet<string>;
}

/** Addresses that come into a set and go out of it. */
interface Movement {
  readonly gained: readonly Cidr[];
  readonly lost: readonly Cidr[];
}

/** The members of a set of pods; undefined for sets of another kind, whose changes are those of rules. */
function membersOf(spec: unknown): readonly Cidr[] | undefined {
  const set = spec as AddressSet;
  return set.kind === "members" || set.kind === "namespace" ? set.cidrs : undefined;
}

function without(some: readonly Cidr[], others: readonly Cidr[]): readonly Cidr[] {
  const known = new Set(others);
  return some.filter((cidr) => !known.has(cidr));
}

/** Who moves, by the name of the set. Sets that are new are not among them: rules may be waiting for those. */
function movements({ writes, removals }: CompiledChanges, stored: readonly StoredObject[]): Map<string, Movement> {
  const moving = new Map<string, Movement>();
  const before = new Map(stored.map(({ metadata, spec }) => [metadata.name, membersOf(spec)]));
  const add = (name: string, now: readonly Cidr[] | undefined): void => {
    const former = before.get(name);
    if (former !== undefined && now !== undefined)
      moving.set(name, { gained: without(now, former), lost: without(former, now) });
  };
  for (const { kind, metadata, spec } of writes) if (kind === "AddressSet") add(metadata.name, membersOf(spec));
  for (const { ref } of removals) if (ref.kind === "AddressSet") add(ref.name, []);
  return moving;
}

/**
 * Lets changes of members wait in the sets that were written just now (`recent`), and in those that lose an address to
 * a set that waits: an address is in two sets for a while, never in none. Nothing waits where rules change with them,
 * which must find the members that they were written for. `stored`: the address sets as the API server has them.
 */
export function postponeMembers(
  changes: CompiledChanges,
  stored: readonly StoredObject[],
  recent: ReadonlySet<string>,
): PostponedChanges {
  const rules = changes.writes.some(({ kind }) => kind === "RuleSet");
  const waiting = rules ? new Set<string>() : waitingOf(movements(changes, stored), recent);
  return {
    now: {
      writes: changes.writes.filter(({ kind, metadata }) => kind !== "AddressSet" || !waiting.has(metadata.name)),
      losing: changes.losing,
      removals: changes.removals.filter(({ ref }) => ref.kind !== "AddressSet" || !waiting.has(ref.name)),
    },
    waiting,
  };
}

function waitingOf(moving: ReadonlyMap<string, Movement>, recent: ReadonlySet<string>): Set<string> {
  const waiting = new Set([...moving.keys()].filter((name) => recent.has(name)));
  // What is added is visited too.
  for (const name of waiting) {
    const gained = new Set(moving.get(name)?.gained);
    for (const [other, { lost }] of moving) if (lost.some((cidr) => gained.has(cidr))) waiting.add(other);
  }
  return waiting;
}
