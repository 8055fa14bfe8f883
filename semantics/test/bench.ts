import assert from "node:assert/strict";
import { createModel, type Model } from "../model.ts";
import type { ConnectionRow, EndpointMetrics, Judged } from "../observation.ts";
import type {
  AclRule,
  Address,
  AddressSet,
  Allowances,
  Cidr,
  CompiledState,
  EndpointPolicy,
  GroupKey,
  NodeConfig,
  TrackedPort,
} from "../policy.ts";
import { passReasons } from "../verdict.ts";
import { pod, type Sent } from "./packets.ts";
import { address, cidr, ruleSet, service } from "./rules.ts";

export const defaults: Allowances = {
  conntrackMax: 1000,
  timeouts: { tcpEstablished: 350, udpStream: 180, udp: 30 },
};

/** What filters a pod, as tests write it. */
export interface Policy {
  /** Absent: no group. See `rule` in rules.ts. */
  readonly rules?: readonly string[];
  /** Absent: no ACL. `100 allow in tcp 80 from 0.0.0.0/0`. */
  readonly acl?: readonly string[];
  readonly allowances?: Partial<Allowances>;
  readonly trackedPorts?: readonly TrackedPort[];
  readonly tracking?: Partial<NodeConfig["tracking"]>;
  readonly dns?: readonly string[];
  readonly antiSpoofing?: NodeConfig["antiSpoofing"];
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  readonly prefixLists?: Readonly<Record<string, readonly string[]>>;
  /** S-9a. */
  readonly services?: readonly Omit<Extract<AddressSet, { kind: "service" }>, "kind" | "name">[];
  /** Other pods of the pod's namespace. */
  readonly neighbours?: readonly string[];
  readonly closed?: string;
  readonly addresses?: readonly string[];
  /** S-40a. */
  readonly adopt?: boolean;
}

export const nodeAddresses: readonly Address[] = ["10.244.0.1", "fe80::1", "fd00:244::1"].map(address);

function aclRule(text: string): AclRule {
  const [, number, action, way, what = "", whom = ""] =
    /^(\d+) (allow|deny) (in|out) (.+) (?:from|to) (\S+)$/.exec(text) ?? [];
  if (number === undefined) throw new TypeError(`"${text}" is no ACL rule`);
  return {
    number: Number(number),
    action: action === "allow" ? "allow" : "deny",
    direction: way === "in" ? "ingress" : "egress",
    service: service(what),
    cidr: cidr(whom),
  };
}

function addressSets({ groups = {}, prefixLists = {}, services = [], neighbours }: Policy): AddressSet[] {
  const cidrs = (texts: readonly string[]): Cidr[] => texts.map(cidr);
  const members = Object.entries(groups).map(
    ([name, texts]): AddressSet => ({ kind: "members", name, groups: [name as GroupKey], cidrs: cidrs(texts) }),
  );
  const lists = Object.entries(prefixLists).map(
    ([name, texts]): AddressSet => ({ kind: "prefixList", name, prefixList: name, cidrs: cidrs(texts) }),
  );
  const own: AddressSet[] = neighbours
    ? [{ kind: "namespace", name: "default", namespace: "default", cidrs: cidrs(neighbours) }]
    : [];
  return [
    ...members,
    ...lists,
    ...own,
    ...services.map((set): AddressSet => ({ kind: "service", name: "service", ...set })),
  ];
}

/** The compiled objects that a policy stands for, with one endpoint: the pod. */
export function compiled(policy: Policy): CompiledState {
  const { rules, acl, closed, trackedPorts = [], tracking = {}, dns = [], antiSpoofing = "Filtered" } = policy;
  const endpoint: EndpointPolicy = {
    pod: { namespace: "default", name: "pod", uid: pod.uid },
    allowances: { ...defaults, ...policy.allowances },
    trackedPorts,
    ...(rules && { ruleSet: "rules" }),
    ...(acl && { acl: "acl" }),
    ...(closed !== undefined && { closed }),
  };
  return {
    config: {
      revision: "1",
      tracking: { cidrs: [], outsideCluster: false, clusterCidrs: [], ...tracking },
      dnsAddresses: dns.map(address),
      antiSpoofing,
    },
    ruleSets: rules ? [ruleSet(rules)] : [],
    acls: acl ? [{ name: "acl", revision: acl.join("\n"), namespace: "default", rules: acl.map(aclRule) }] : [],
    addressSets: addressSets(policy),
    node: { node: "node", endpoints: [endpoint] },
  };
}

/** A model with one pod whose policy tests change as they go. */
export class Bench {
  readonly model: Model;
  #policy: Policy;

  constructor(policy: Policy, tableSize = 100_000) {
    this.model = createModel({ tableSize });
    this.#policy = policy;
    this.change({});
  }

  /** Changes part of the policy; undefined takes it away. */
  change(part: { readonly [Name in keyof Policy]: Policy[Name] | undefined }): void {
    const merged = Object.entries({ ...this.#policy, ...part }).filter(([, value]) => value !== undefined);
    this.#policy = Object.fromEntries(merged) as Policy;
    const { addresses = [pod.v4, pod.v6], adopt = false } = this.#policy;
    this.model.program(compiled(this.#policy), { nodeAddresses }, [
      { uid: pod.uid, addresses: addresses.map(address), adopt },
    ]);
  }

  judge({ direction, packet }: Sent): Judged {
    const judged = this.model.judge(pod.uid, direction, packet);
    assert.equal(judged.pass, passReasons.has(judged.reason), "a reason passes or drops");
    return judged;
  }

  /** Reason and tracking: `rule tracked`; of a dropped packet the reason. */
  says(sent: Sent): string {
    const { pass, reason, tracking } = this.judge(sent);
    if (pass) return `${reason} ${tracking}`;
    assert.equal(tracking, "none", "dropped packets are of no flow");
    return reason;
  }

  advance(seconds: number): void {
    this.model.advance(seconds);
  }

  get metrics(): EndpointMetrics {
    return this.model.metrics(pod.uid);
  }

  get rows(): readonly ConnectionRow[] {
    return this.model.connections(pod.uid);
  }

  /** States of all entries. */
  get states(): readonly string[] {
    return this.rows.map(({ state }) => state);
  }
}
