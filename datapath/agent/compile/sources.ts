import { createHash } from "node:crypto";
import type { AclSet, RuleSet } from "../../../semantics/policy.ts";
import type { Combinations } from "./policy.ts";
import { groupLabel, type Label, namespaceLabel, type PrefixLists } from "./rules.ts";

/**
 * Digests of all that a policy is compiled from: by the same ones a node knows, without compiling, that a policy is in
 * force as it is. Of 250 policies one change concerns a few.
 */
export class PolicySources {
  readonly #lists: PrefixLists;
  readonly #listDigests = new Map<string, string>();
  /** The combinations that a label is in. */
  readonly #identities = new Map<Label, string>();

  constructor(lists: PrefixLists, combinations: Combinations) {
    this.#lists = lists;
    for (const [identity, labels] of combinations) {
      for (const label of labels) this.#identities.set(label, `${this.#identities.get(label) ?? ""},${identity}`);
    }
  }

  /** Digest of a rule set for endpoints with these automatically tracked ports. */
  ofRuleSet(set: RuleSet, trackedPorts: string): string {
    const lists = new Set(set.rules.flatMap(({ peer }) => ("prefixList" in peer ? [peer.prefixList] : [])));
    const labels = new Set(set.rules.flatMap(({ peer }) => ("group" in peer ? [groupLabel(peer.group)] : [])));
    return this.#digest(set, trackedPorts, lists, labels);
  }

  ofAcl(acl: AclSet): string {
    return this.#digest(acl, "", new Set(), new Set([namespaceLabel(acl.namespace)]));
  }

  #digest(set: RuleSet | AclSet, trackedPorts: string, lists: ReadonlySet<string>, labels: ReadonlySet<Label>): string {
    const parts = [
      set,
      trackedPorts,
      [...lists].map((list) => [list, this.#listDigest(list)]),
      [...labels].map((label) => [label, this.#identities.get(label) ?? ""]),
    ];
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  }

  #listDigest(name: string): string {
    const known = this.#listDigests.get(name);
    if (known !== undefined) return known;
    const digest = createHash("sha256")
      .update((this.#lists.get(name) ?? []).join())
      .digest("hex");
    this.#listDigests.set(name, digest);
    return digest;
  }
}
