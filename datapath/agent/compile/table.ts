import { familyOf } from "../../../semantics/address.ts";
import type { Cidr, Direction, Family } from "../../../semantics/policy.ts";
import { constants, structs } from "../abi.generated.ts";
import { cutIntervals, type RangedRule, writeIntervals } from "./intervals.ts";
import { makeRow, type RowPool } from "./rows.ts";
import type { CompilerRule } from "./rules.ts";

/** The rules of one direction and family, numbered as their bits are. */
export interface TableRules {
  readonly direction: Direction;
  readonly family: Family;
  readonly rules: readonly CompilerRule[];
}

const tcp = 6;
const udp = 17;

function icmpOf(family: Family): number {
  return family === 4 ? 1 : 58;
}

/** Selects a table's rules. More than the datapath holds is an error that names the quota. */
export function selectTable(rules: readonly CompilerRule[], direction: Direction, family: Family): TableRules {
  const selected = rules.filter((rule) => rule.direction === direction && rule.families.includes(family));
  if (selected.length > constants.RULES_PER_TABLE) {
    throw new RangeError(
      `${selected.length} ${direction} rules for IPv${family}, at most ${constants.RULES_PER_TABLE}: attach fewer groups or merge rules (S-15)`,
    );
  }
  return { direction, family, rules: selected };
}

/** Rules of a protocol with ports, or that mean every protocol, with the range they hold for. */
function portRules(table: TableRules, protocol: number): RangedRule[] {
  return table.rules.flatMap(({ service }, rule) => {
    if (service.protocol === -1) {
      return [{ rule, from: 0, to: 0xffff }];
    }
    return service.protocol === protocol && service.ports !== undefined ? [{ rule, ...service.ports }] : [];
  });
}

function icmpRules(table: TableRules): RangedRule[] {
  return table.rules.flatMap(({ service }, rule) => {
    if (service.protocol === -1) {
      return [{ rule, from: 0, to: 0xffff }];
    }
    if (service.protocol !== icmpOf(table.family)) {
      return [];
    }
    const { type, code } = service.icmp ?? { type: -1, code: -1 };
    if (type === -1) {
      return [{ rule, from: 0, to: 0xffff }];
    }
    const first = type << 8;
    return [code === -1 ? { rule, from: first, to: first | 0xff } : { rule, from: first | code, to: first | code }];
  });
}

/** Protocols whose rules speak of types in place of the number alone, in whatever family they are. */
const withTypes: ReadonlySet<number> = new Set([1, 58]);

/** Row of each protocol number, for packets that are judged by it alone. */
function protocolRows(table: TableRules, pool: RowPool): number[] {
  const rulesOf = new Map<number, number[]>();
  table.rules.forEach(({ service: { protocol, ports, icmp } }, rule) => {
    const byNumber = ports === undefined && icmp === undefined && !withTypes.has(protocol);
    if (protocol === -1 || byNumber) rulesOf.set(protocol, [...(rulesOf.get(protocol) ?? []), rule]);
  });
  const every = rulesOf.get(-1) ?? [];
  const rows = new Array<number>(256).fill(pool.add(makeRow(every)));
  for (const [protocol, rules] of rulesOf) {
    if (protocol !== -1) rows[protocol] = pool.add(makeRow([...every, ...rules]));
  }
  return rows;
}

/** Index of a table in `policy.tables`. */
export function tableIndex(direction: Direction, family: Family): number {
  const d = direction === "egress" ? constants.DIRECTION_EGRESS : constants.DIRECTION_INGRESS;
  const f = family === 6 ? constants.FAMILY_IPV6 : constants.FAMILY_IPV4;
  return d * constants.FAMILIES + f;
}

function isAny(cidr: Cidr): boolean {
  return cidr.endsWith("/0");
}

/** Writes `struct table` at `offset` of `bytes`, but for `first_hit`, which depends on where the policy will live. */
export function writeTable(table: TableRules, pool: RowPool, bytes: Uint8Array, offset: number): void {
  const { fields } = structs.table;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, structs.table.size);
  const shorts = (field: keyof typeof fields, inner: number, length: number) =>
    new Uint16Array(bytes.buffer, bytes.byteOffset + offset + fields[field] + inner, length);
  const ofFamily = (rule: CompilerRule) => rule.cidrs.filter((cidr) => familyOf(cidr) === table.family);
  const anyRules = table.rules.flatMap((rule, index) => (ofFamily(rule).some(isAny) ? [index] : []));

  view.setUint32(fields.words, Math.ceil(table.rules.length / 64), true);
  view.setUint16(fields.any_row, pool.add(makeRow(anyRules)), true);
  view.setUint16(fields.has_prefixes, Number(table.rules.some((rule) => ofFamily(rule).some((c) => !isAny(c)))), true);
  view.setUint16(fields.has_identities, Number(table.rules.some((rule) => rule.label !== undefined)), true);
  const intervals = { tcp: portRules(table, tcp), udp: portRules(table, udp), icmp: icmpRules(table) };
  for (const name of ["tcp", "udp", "icmp"] as const) {
    writeIntervals(
      cutIntervals(intervals[name], pool),
      shorts(name, structs.intervals.fields.start, constants.PORT_INTERVALS),
      shorts(name, structs.intervals.fields.row, constants.PORT_INTERVALS),
    );
  }
  shorts("protocol_row", 0, 256).set(protocolRows(table, pool));
  const allow = makeRow(table.rules.flatMap((rule, index) => (rule.allow ? [index] : [])));
  bytes.set(allow, offset + fields.allow);
}
