/**
 * The resolved policy of a node, as pure data: what the operator compiles user objects to, what the agent
 * programs, and what the model judges packets by. Everything is JSON, so that it can travel as the spec of the
 * compiled objects (`node.sallyport.dev/v1alpha1`).
 */

/** Seen from the endpoint: `ingress` enters the pod, `egress` leaves it. */
export type Direction = "ingress" | "egress";

/** IP version. */
export type Family = 4 | 6;

declare const brand: unique symbol;

/** A canonical CIDR in text, host bits zero (S-4), IPv6 as in RFC 5952. Made by `parseCidr` in `address.ts` only. */
export type Cidr = string & { readonly [brand]: "Cidr" };

/** A canonical IP address in text, IPv6 as in RFC 5952. Made by `parseAddress` in `address.ts` only. */
export type Address = string & { readonly [brand]: "Address" };

/** `namespace/name` of a `SecurityGroup`. */
export type GroupKey = string & { readonly [brand]: "GroupKey" };

/** Protocol number of the IP header, or -1 for all (S-6). */
export type ProtocolNumber = number;

/** Inclusive range of ports, 0–65535. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** ICMP type and code, -1 = any; type -1 implies code -1 (S-7). */
export interface IcmpMatch {
  readonly type: number;
  readonly code: number;
}

/** What a rule matches beside its peer. tcp (6) and udp (17) carry `ports`, icmp (1) and icmpv6 (58) `icmp`, others neither. */
export interface Service {
  readonly protocol: ProtocolNumber;
  readonly ports?: PortRange;
  readonly icmp?: IcmpMatch;
}

/**
 * The one peer of a rule (S-3). `group` means every `members` AddressSet that names the group; `prefixList` the
 * `prefixList` AddressSet of that name. A peer whose sets do not exist matches nothing (S-12).
 */
export type Peer = { readonly cidr: Cidr } | { readonly group: GroupKey } | { readonly prefixList: string };

/** Where a rule was written: for messages, hit counters and `explain`. */
export interface RuleOrigin {
  readonly group: GroupKey;
  /** Index in the group's `ingress` or `egress` list. */
  readonly rule: number;
  /** Index in that rule's peer list. */
  readonly peer: number;
}

/** One literal rule of a security group: one service, one peer. */
export interface Rule {
  readonly direction: Direction;
  readonly service: Service;
  readonly peer: Peer;
  readonly origin: RuleOrigin;
}

/** The union of the rules of one combination of groups (S-2). Order carries no meaning. */
export interface RuleSet {
  readonly name: string;
  /** Changes exactly when the content does. */
  readonly revision: string;
  readonly groups: readonly GroupKey[];
  readonly rules: readonly Rule[];
}

/** One numbered entry of a network ACL (S-80). */
export interface AclRule {
  readonly direction: Direction;
  readonly number: number;
  readonly action: "allow" | "deny";
  readonly service: Service;
  readonly cidr: Cidr;
}

/** The network ACL of one namespace; what no rule matches is denied (S-80). */
export interface AclSet {
  readonly name: string;
  readonly revision: string;
  readonly namespace: string;
  readonly rules: readonly AclRule[];
}

/** One port of a Service that all its backends serve on the same port of their own. */
export interface ServicePort {
  readonly protocol: 6 | 17;
  readonly port: number;
  readonly targetPort: number;
}

/** Addresses that rules refer to. Slices of one set differ in name alone. */
export type AddressSet =
  | {
      /** Members of exactly this combination of referenced groups; a pod is in one combination only. */
      readonly kind: "members";
      readonly name: string;
      readonly groups: readonly GroupKey[];
      readonly cidrs: readonly Cidr[];
    }
  | { readonly kind: "prefixList"; readonly name: string; readonly prefixList: string; readonly cidrs: readonly Cidr[] }
  | {
      /**
       * A Service that stands for its backends (S-9a): whoever sends to one of `addresses` and a `port` sends to a pod
       * that is in all of `groups`, on the `targetPort`. `groups` are those that every backend is in.
       */
      readonly kind: "service";
      readonly name: string;
      readonly groups: readonly GroupKey[];
      readonly addresses: readonly Address[];
      readonly ports: readonly ServicePort[];
    }
  | {
      /** The pods of a namespace that has a network ACL (S-83). */
      readonly kind: "namespace";
      readonly name: string;
      readonly namespace: string;
      readonly cidrs: readonly Cidr[];
    };

/** Token bucket: `rate` per second, `burst` in the same unit (bandwidth: bits per second and bytes). */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Idle timeouts in seconds (S-35, S-36). */
export interface Timeouts {
  readonly tcpEstablished: number;
  readonly udpStream: number;
  readonly udp: number;
}

/** Limits of one endpoint (section 5). An absent rate is unlimited. */
export interface Allowances {
  readonly conntrackMax: number;
  readonly timeouts: Timeouts;
  /** Bits per second, burst in bytes. */
  readonly bandwidthIn?: Rate;
  readonly bandwidthOut?: Rate;
  readonly packets?: Rate;
  readonly linkLocal?: Rate;
}

/** One local port on which every flow is tracked (S-60). */
export interface TrackedPort {
  readonly protocol: 6 | 17;
  readonly port: number;
}

/** What the operator says about one pod. */
export interface EndpointPolicy {
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
  /** Name of a RuleSet; absent: no group selects the pod. */
  readonly ruleSet?: string;
  /** Name of an AclSet; absent: its namespace has no ACL. */
  readonly acl?: string;
  readonly allowances: Allowances;
  readonly trackedPorts: readonly TrackedPort[];
  /** Set when the pod's objects are invalid and there is no last good policy (S-75): reason in words. */
  readonly closed?: string;
}

/** All endpoints of one node. */
export interface NodePolicy {
  readonly node: string;
  readonly endpoints: readonly EndpointPolicy[];
}

/** What holds on every node. */
export interface NodeConfig {
  readonly revision: string;
  /** Remote addresses whose flows are tracked (S-60). */
  readonly tracking: {
    readonly cidrs: readonly Cidr[];
    /** Also everything outside `clusterCidrs`. */
    readonly outsideCluster: boolean;
    readonly clusterCidrs: readonly Cidr[];
  };
  /** Cluster DNS Service and node-local DNS: exempt on TCP and UDP port 53 (S-20). */
  readonly dnsAddresses: readonly Address[];
  readonly antiSpoofing: "Filtered" | "All";
}

/** All compiled objects that concern one node. */
export interface CompiledState {
  readonly config: NodeConfig;
  readonly ruleSets: readonly RuleSet[];
  readonly acls: readonly AclSet[];
  readonly addressSets: readonly AddressSet[];
  readonly node: NodePolicy;
}

/** What only the node knows about an endpoint. */
export interface EndpointFacts {
  readonly uid: string;
  readonly addresses: readonly Address[];
  /** The pod ran unfiltered before it got this policy (S-40a). */
  readonly adopt: boolean;
}

/** Addresses that the node owns, link-local ones on the pods' links included (S-20). */
export interface NodeFacts {
  readonly nodeAddresses: readonly Address[];
}
