import { defaultConntrackMax } from "../crds/allowanceprofile.ts";
import { parseAddress } from "../semantics/address.ts";
import type { Address, GroupKey } from "../semantics/policy.ts";

/** How many objects of a kind may be there before they are refused (S-15, S-86). */
interface Quotas {
  readonly rulesPerGroup: number;
  readonly groupsPerEndpoint: number;
  readonly rulesPerEndpoint: number;
  readonly aclRules: number;
}

/** Everything that can be configured about the operator, and what it passes on to the agents. */
export interface OperatorConfig {
  readonly quotas: Quotas;
  readonly defaultGroup: GroupKey | null;
  readonly conntrackMax: number;
  readonly dnsAddresses: readonly Address[];
  readonly antiSpoofing: "Filtered" | "All";
}

/** One thing that can be configured. */
interface ConfigEntry {
  /** Path in the configuration file, which is also the shape of `OperatorConfig`. */
  readonly name: string;
  readonly unit: string;
  readonly default: unknown;
  readonly doc: string;
  /** What is wrong with a value, with the remedy; undefined if nothing. */
  readonly refusal: (value: unknown) => string | undefined;
}

const whole =
  (least: number, most: number) =>
  (value: unknown): string | undefined =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `is not a whole number from ${least} to ${most}; write one`;

const groupForm = /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/;

function refuseAddresses(value: unknown): string | undefined {
  if (!Array.isArray(value)) return "is not a list; write a list of IP addresses";
  const wrong: unknown = value.find((address) => typeof address !== "string" || !parseAddress(address).ok);
  return wrong === undefined
    ? undefined
    : `holds ${JSON.stringify(wrong)}, which is no IP address; correct or remove it`;
}

/** All entries, in the order in which help shows them. */
const configEntries: readonly ConfigEntry[] = [
  {
    name: "quotas.rulesPerGroup",
    unit: "rules",
    default: 60,
    doc: "Most rules of one group, counted separately for each direction and family (S-15, S-16).",
    refusal: whole(1, 1000),
  },
  {
    name: "quotas.groupsPerEndpoint",
    unit: "groups",
    default: 5,
    doc: "Most groups on one endpoint (S-15).",
    refusal: whole(1, 16),
  },
  {
    name: "quotas.rulesPerEndpoint",
    unit: "rules",
    default: 1000,
    doc: "Most rules of all groups on one endpoint, per direction and family; prefix lists count as in groups (S-15).",
    refusal: whole(1, 1000),
  },
  {
    name: "quotas.aclRules",
    unit: "rules",
    default: 20,
    doc: "Most rules per direction of a network ACL (S-86).",
    refusal: whole(1, 40),
  },
  {
    name: "defaultGroup",
    unit: "namespace/name",
    default: null,
    doc: "Group of every pod that no group selects; null: such pods are not filtered.",
    refusal: (value) =>
      value === null || (typeof value === "string" && groupForm.test(value))
        ? undefined
        : "is no group; write namespace/name, or null",
  },
  {
    name: "conntrackMax",
    unit: "connections",
    default: defaultConntrackMax,
    doc: "Most tracked connections of a pod whose profile names no maximum (S-70).",
    refusal: whole(0, 2 ** 31 - 1),
  },
  {
    name: "dnsAddresses",
    unit: "IP addresses",
    default: [],
    doc: "Cluster DNS Service and node-local DNS, exempt on TCP and UDP port 53 (S-20).",
    refusal: refuseAddresses,
  },
  {
    name: "antiSpoofing",
    unit: "Filtered or All",
    default: "Filtered",
    doc: "Whose source addresses are checked: those of pods with a group, or of all (S-22).",
    refusal: (value) => (value === "Filtered" || value === "All" ? undefined : "is no mode; write Filtered or All"),
  },
];

/** The configuration is not usable; the message names each field, its value and the remedy. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null && !Array.isArray(value);

function at(tree: Tree, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, part) => (isTree(value) ? value[part] : undefined), tree);
}

function put(tree: Tree, [first = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  const below = isTree(tree[first]) ? tree[first] : {};
  tree[first] = below;
  put(below, rest, value);
}

const leaves = (tree: Tree, path: readonly string[] = []): string[] =>
  Object.entries(tree).flatMap(([name, value]) =>
    isTree(value) ? leaves(value, [...path, name]) : value === undefined ? [] : [[...path, name].join(".")],
  );

/** Checks what was written and fills in the rest. Throws a `ConfigError` that names everything that is wrong. */
export function parseConfig(written: object = {}): OperatorConfig {
  const config: Tree = {};
  const known = new Set(configEntries.map(({ name }) => name));
  const problems = leaves(written as Tree)
    .filter((name) => !known.has(name))
    .map((name) => `${name} is not known; remove it or correct its name`);
  for (const entry of configEntries) {
    const path = entry.name.split(".");
    const given = at(written as Tree, path);
    const value = given === undefined ? entry.default : given;
    const refusal = entry.refusal(value);
    if (refusal !== undefined) problems.push(`${entry.name} ${JSON.stringify(value)} ${refusal}`);
    put(config, path, value);
  }
  if (problems.length > 0) throw new ConfigError(`configuration: ${problems.join("\nconfiguration: ")}`);
  const dns = (config["dnsAddresses"] as string[])
    .map(parseAddress)
    .flatMap((parsed) => (parsed.ok ? [parsed.value] : []));
  return { ...config, dnsAddresses: dns } as unknown as OperatorConfig;
}
