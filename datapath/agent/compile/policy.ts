import { familyOf } from "../../../semantics/address.ts";
import type { AclSet, Direction, Family, RuleSet, TrackedPort } from "../../../semantics/policy.ts";
import { constants, structs } from "../abi.generated.ts";
import { compilePrefixes, type PrefixEntry, type PrefixRule } from "./prefixes.ts";
import { makeRow, RowPool } from "./rows.ts";
import { type CompilerRule, type Label, type PrefixLists, rulesOfAcl, rulesOfRuleSet } from "./rules.ts";
import { selectTable, type TableRules, tableIndex, writeTable } from "./table.ts";
import { writeUntracked } from "./untracked.ts";

/** Everything that one slot of the datapath holds, but for where it lives. */
export interface PolicyImage {
  /** `struct policy`, with `first_row` and the hits' places zero. */
  readonly policy: Uint8Array;
  readonly rows: readonly Uint8Array[];
  readonly prefixes: readonly PrefixEntry[];
  readonly tables: readonly TableRules[];
  /**
   * Identity → row of each table by `tableIndex` for an address of that identity; identities that no rule of this
   * policy means are left out.
   */
  readonly identities: ReadonlyMap<number, readonly number[]>;
}

const directions: readonly Direction[] = ["ingress", "egress"];
const families: readonly Family[] = [4, 6];

function prefixRules(tables: readonly TableRules[], family: Family): PrefixRule[] {
  return tables
    .filter((table) => table.family === family)
    .flatMap(({ direction, rules }) =>
      rules.flatMap(({ cidrs }, rule) => cidrs.map((cidr) => ({ direction, rule, cidr }))),
    )
    .filter(({ cidr }) => familyOf(cidr) === family);
}

/** The combinations of labels that addresses have, by identity number. */
export type Combinations = ReadonlyMap<number, ReadonlySet<Label>>;

/** Rules of a table by the label that their peer has. */
function byLabel({ rules }: TableRules): ReadonlyMap<Label, readonly number[]> {
  const found = new Map<Label, number[]>();
  rules.forEach(({ label }, rule) => {
    if (label !== undefined) found.set(label, [...(found.get(label) ?? []), rule]);
  });
  return found;
}

function identityRows(tables: readonly TableRules[], combinations: Combinations, pool: RowPool) {
  const labelled = tables.map((table) => ({ place: tableIndex(table.direction, table.family), rules: byLabel(table) }));
  const meant = new Set(labelled.flatMap(({ rules }) => [...rules.keys()]));
  const rows = new Map<number, number[]>();
  for (const [identity, labels] of combinations) {
    const known = [...labels].filter((label) => meant.has(label));
    if (known.length === 0) continue;
    const byTable = new Array<number>(constants.DIRECTIONS * constants.FAMILIES).fill(0);
    for (const { place, rules } of labelled) {
      byTable[place] = pool.add(makeRow(known.flatMap((label) => rules.get(label) ?? [])));
    }
    rows.set(identity, byTable);
  }
  return rows;
}

function compileTables(rules: readonly CompilerRule[], combinations: Combinations): PolicyImage {
  const policy = new Uint8Array(structs.policy.size);
  const pool = new RowPool();
  const tables = directions.flatMap((direction) => families.map((family) => selectTable(rules, direction, family)));
  for (const table of tables) {
    const offset = structs.policy.fields.tables + tableIndex(table.direction, table.family) * structs.table.size;
    writeTable(table, pool, policy, offset);
  }
  const prefixes = families.flatMap((family) => compilePrefixes(prefixRules(tables, family), pool));
  const identities = identityRows(tables, combinations, pool);
  return { policy, rows: pool.rows(), prefixes, tables, identities };
}

/** Compiles the rules of a combination of groups for endpoints with these automatically tracked local ports. */
export function compileRuleSet(
  ruleSet: RuleSet,
  tracked: readonly TrackedPort[],
  lists: PrefixLists,
  combinations: Combinations,
): PolicyImage {
  const compiled = compileTables(rulesOfRuleSet(ruleSet, lists), combinations);
  writeUntracked(ruleSet.rules, tracked, compiled.policy);
  return compiled;
}

/** Compiles a network ACL; it has the same form, and the lowest rule that matches decides. */
export function compileAcl(acl: AclSet, combinations: Combinations): PolicyImage {
  return compileTables(rulesOfAcl(acl), combinations);
}
