import type { CompiledKind } from "../../crds/compiled.ts";
import type { AclSet, AddressSet, NodeConfig, NodePolicy, RuleSet } from "../../semantics/policy.ts";
import type { CompiledObjects } from "../resolve/resolution.ts";
import type { Revisions } from "../status/progress.ts";
import type { Share } from "./share.ts";

/** Names of compiled objects that may have to be written. */
export type Touched = Readonly<Record<CompiledKind, Set<string>>>;

export const nothingTouched = (): Touched => ({
  RuleSet: new Set(),
  AddressSet: new Set(),
  NodePolicy: new Set(),
  NodeConfig: new Set(),
});

type Exchanged = Pick<Share, "ruleSets" | "aclSets" | "addressSets">;

const found = <T>(names: Iterable<string>, objects: ReadonlyMap<string, T>): readonly T[] =>
  [...names].map((name) => objects.get(name)).filter((object) => object !== undefined);

/** All compiled objects as they should be, by name. */
export class CompiledIndex {
  readonly nodePolicies: Map<string, NodePolicy>;
  config: NodeConfig;
  readonly #ruleSets = new Map<string, RuleSet>();
  /** Namespaces that use each rule set: several may use that of the default group. */
  readonly #users = new Map<string, Set<string>>();
  readonly #acls = new Map<string, AclSet>();
  readonly #addressSets = new Map<string, AddressSet>();

  constructor({ nodePolicies, config }: CompiledObjects) {
    this.nodePolicies = new Map(nodePolicies.map((policy) => [policy.node, policy]));
    this.config = config;
  }

  /** Of rule sets and ACLs, by name. */
  readonly revisions: Revisions = {
    get: (name) => (this.#ruleSets.get(name) ?? this.#acls.get(name))?.revision,
  };

  /** Those of these names; the NodeConfig always. */
  named({ RuleSet, AddressSet, NodePolicy }: Touched): CompiledObjects {
    return {
      config: this.config,
      ruleSets: found(RuleSet, this.#ruleSets),
      acls: found(RuleSet, this.#acls),
      addressSets: found(AddressSet, this.#addressSets),
      nodePolicies: found(NodePolicy, this.nodePolicies),
    };
  }

  /** Takes what a namespace has now for what it had. */
  exchange(namespace: string, before: Exchanged | undefined, after: Exchanged, touched: Touched): void {
    for (const { name } of before?.ruleSets ?? []) this.#unuse(name, namespace, touched);
    for (const ruleSet of after.ruleSets) this.#use(ruleSet, namespace, touched);
    for (const { name } of before?.aclSets ?? []) this.#acls.delete(name);
    for (const { name } of [...(before?.aclSets ?? []), ...after.aclSets]) touched.RuleSet.add(name);
    for (const acl of after.aclSets) this.#acls.set(acl.name, acl);
    for (const { name } of before?.addressSets ?? []) this.exchangeSet(name, undefined, touched);
    for (const set of after.addressSets) this.exchangeSet(set.name, set, touched);
  }

  /** The address set of this name is now so, or is gone. */
  exchangeSet(name: string, set: AddressSet | undefined, touched: Touched): void {
    if (set === undefined) this.#addressSets.delete(name);
    else this.#addressSets.set(name, set);
    touched.AddressSet.add(name);
  }

  #use(ruleSet: RuleSet, namespace: string, touched: Touched): void {
    this.#ruleSets.set(ruleSet.name, ruleSet);
    const users = this.#users.get(ruleSet.name) ?? new Set();
    this.#users.set(ruleSet.name, users.add(namespace));
    touched.RuleSet.add(ruleSet.name);
  }

  #unuse(name: string, namespace: string, touched: Touched): void {
    const users = this.#users.get(name);
    users?.delete(namespace);
    touched.RuleSet.add(name);
    if (users?.size !== 0) return;
    this.#users.delete(name);
    this.#ruleSets.delete(name);
  }
}
