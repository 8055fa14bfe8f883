import { defaultConntrackMax } from "../crds/allowanceprofile.ts";
import { parseAddress } from "../semantics/address.ts";
import type { Address, GroupKey } from "../semantics/policy.ts";
import { parseSettings, type Setting, whole } from "./settings.ts";

export { ConfigError } from "./settings.ts";

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

const groupForm = /^[a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9.]*$/;

function refuseAddresses(value: unknown): string | undefined {
  if (!Array.isArray(value)) return "is not a list; write a list of IP addresses";
  const wrong: unknown = value.find((address) => typeof address !== "string" || !parseAddress(address).ok);
  return wrong === undefined
    ? undefined
    : `holds ${JSON.stringify(wrong)}, which is no IP address; correct or remove it`;
}

/** Everything about policy that can be configured, in the order in which help shows it. */
export const policySettings: readonly Setting[] = [
  {
    name: "quotas.rulesPerGroup",
    form: "number",
    unit: "rules",
    default: 60,
    doc: "Most rules of one group, counted separately for each direction and family (S-15, S-16).",
    refusal: whole(1, 1000),
  },
  {
    name: "quotas.groupsPerEndpoint",
    form: "number",
    unit: "groups",
    default: 5,
    doc: "Most groups on one endpoint (S-15).",
    refusal: whole(1, 16),
  },
  {
    name: "quotas.rulesPerEndpoint",
    form: "number",
    unit: "rules",
    default: 1000,
    doc: "Most rules of all groups on one endpoint, per direction and family; prefix lists count as in groups (S-15).",
    refusal: whole(1, 1000),
  },
  {
    name: "quotas.aclRules",
    form: "number",
    unit: "rules",
    default: 20,
    doc: "Most rules per direction of a network ACL (S-86).",
    refusal: whole(1, 40),
  },
  {
    name: "defaultGroup",
    form: "text",
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
    form: "number",
    unit: "connections",
    default: defaultConntrackMax,
    doc: "Most tracked connections of a pod whose profile names no maximum (S-70).",
    refusal: whole(0, 2 ** 31 - 1),
  },
  {
    name: "dnsAddresses",
    form: "list",
    unit: "IP addresses",
    default: [],
    doc: "Cluster DNS Service and node-local DNS, exempt on TCP and UDP port 53 (S-20).",
    refusal: refuseAddresses,
  },
  {
    name: "antiSpoofing",
    form: "text",
    unit: "Filtered or All",
    default: "Filtered",
    doc: "Whose source addresses are checked: those of pods with a group, or of all (S-22).",
    refusal: (value) => (value === "Filtered" || value === "All" ? undefined : "is no mode; write Filtered or All"),
  },
];

/** Checks what was written and fills in the rest. Throws a `ConfigError` that names everything that is wrong. */
export function parseConfig(written: object = {}): OperatorConfig {
  return withAddresses(parseSettings(policySettings, written));
}

/** Addresses in their canonical text. */
export function withAddresses(parsed: object): OperatorConfig {
  const config = parsed as OperatorConfig & { readonly dnsAddresses: readonly string[] };
  const dnsAddresses = config.dnsAddresses.map(parseAddress).flatMap((address) => (address.ok ? [address.value] : []));
  return { ...config, dnsAddresses };
}
