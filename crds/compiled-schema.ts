import { z } from "zod";
import { twin, twins } from "./cel.ts";
import { mapList } from "./map.ts";
import { text, textForms } from "./text.ts";

/**
 * Schemas of the compiled objects, for their CRDs alone: the operator writes them and the agent trusts it, so nothing
 * is parsed with them. They follow `semantics/policy.ts`: the type checker compares the two in `compiled-schema.test.ts`.
 */

/** Most rules: 1,000 per direction and family (S-15). */
const mostRules = 4000;

const documented = <S extends z.ZodType>(schema: S, documentation: string) =>
  schema.meta({ description: documentation });
const whole = (least: number, most: number, documentation: string) =>
  documented(z.int().min(least).max(most), documentation);
const line = (most: number, documentation: string) => documented(z.string().max(most), documentation);
const list = <S extends z.ZodType>(entry: S, most: number, documentation: string) =>
  documented(z.array(entry).max(most), documentation);

const cidr = line(43, "Canonical CIDR.");
const groupKey = line(317, "`namespace/name` of a SecurityGroup.");
const revision = line(64, "Changes exactly when the content does.");
const name = (documentation: string) => text(textForms.objectName, documentation);
const namespace = text(textForms.namespaceName, "Namespace.");
const seconds = (documentation: string) => whole(1, 432_000, documentation);

const service = documented(
  z.strictObject({
    protocol: whole(-1, 255, "Protocol number of the IP header; -1 is all (S-6)."),
    ports: documented(
      z.strictObject({ from: whole(0, 65_535, "First port."), to: whole(0, 65_535, "Last port.") }),
      "Ports, for tcp and udp.",
    ).optional(),
    icmp: documented(
      z.strictObject({ type: whole(-1, 255, "Type; -1 is any."), code: whole(-1, 255, "Code; -1 is any.") }),
      "ICMP type and code, for icmp and icmpv6.",
    ).optional(),
  }),
  "What the rule matches beside its peer.",
);

const tcpOrUdp = z.literal([6, 17]).meta({ description: "6 (tcp) or 17 (udp)." });

const direction = z.enum(["ingress", "egress"]).meta({ description: "Seen from the endpoint." });

const rule = z.strictObject({
  direction,
  service,
  peer: z
    .strictObject({
      cidr: cidr.optional(),
      group: groupKey.optional(),
      prefixList: name("Name of a PrefixList.").optional(),
    })
    .meta({ description: "The one peer (S-3).", minProperties: 1, maxProperties: 1 }),
  origin: documented(
    z.strictObject({
      group: groupKey,
      rule: whole(0, mostRules, "Index in the group's `ingress` or `egress`."),
      peer: whole(0, mostRules, "Index in that rule's peers."),
    }),
    "Where the rule was written.",
  ),
});

const groupRules = z.strictObject({
  name: name("Name of this object."),
  revision,
  groups: list(groupKey, 16, "The combination of groups."),
  rules: list(rule, mostRules, "The union of their rules (S-2)."),
});

const aclRules = z.strictObject({
  name: name("Name of this object."),
  revision,
  namespace,
  rules: list(
    z.strictObject({
      direction,
      number: whole(1, 32_766, "Place in the order; the lowest that matches decides (S-80)."),
      action: z.enum(["allow", "deny"]).meta({ description: "What happens to a packet that matches." }),
      service,
      cidr,
    }),
    80,
    "Numbered rules; what none matches is denied.",
  ),
});

const ruleSet = z
  .strictObject({
    content: z.enum(["groups", "acl"]).meta({ description: "Which of the two fields is there." }),
    groups: documented(groupRules, "Rules of a combination of groups.").optional(),
    acl: documented(aclRules, "Rules of a network ACL.").optional(),
  })
  .meta({
    description: "Resolved rules of one combination of groups, or of one network ACL.",
    ...twins(
      twin("(self.content == 'groups') == has(self.groups) && (self.content == 'acl') == has(self.acl)", {
        message: "the content is not the field that is there",
        remedy: "only the operator writes this object",
      }),
    ),
  });

const servicePort = z.strictObject({
  protocol: tcpOrUdp,
  port: whole(1, 65_535, "Port of the Service."),
  targetPort: whole(1, 65_535, "Port of its backends."),
});

const addressSet = z.strictObject({
  kind: z.enum(["members", "prefixList", "service", "namespace"]).meta({ description: "Whose addresses these are." }),
  name: name("Name of this object."),
  groups: list(groupKey, 1000, "Combination of groups whose members, or whose Service, these are.").optional(),
  prefixList: name("PrefixList whose entries these are.").optional(),
  namespace: namespace.optional(),
  cidrs: list(cidr, 1000, "The addresses; absent: of a Service.").optional(),
  addresses: list(line(39, "IP address."), 64, "Addresses of the Service (S-9a).").optional(),
  ports: list(servicePort, 1000, "Ports of the Service that all its backends serve.").optional(),
});

const rate = (documentation: string) =>
  documented(
    z.strictObject({
      perSecond: whole(0, 1e15, "Tokens per second."),
      burst: whole(0, 1e15, "Tokens that may be spent at once."),
    }),
    documentation,
  );

const allowances = z.strictObject({
  conntrackMax: whole(0, 2 ** 31 - 1, "Most tracked connections (S-70)."),
  timeouts: documented(
    z.strictObject({
      tcpEstablished: seconds("Established TCP, seconds."),
      udpStream: seconds("UDP from the second round on, seconds."),
      udp: seconds("UDP before that, seconds."),
    }),
    "Idle timeouts (S-35, S-36).",
  ),
  bandwidthIn: rate("Bits per second that may enter, burst in bytes.").optional(),
  bandwidthOut: rate("Bits per second that may leave, burst in bytes.").optional(),
  packets: rate("Packets, both directions together.").optional(),
  linkLocal: rate("Packets to link-local services and DNS.").optional(),
});

const endpoint = z.strictObject({
  pod: documented(
    z.strictObject({
      namespace,
      name: name("Name."),
      uid: line(128, "UID: another pod of this name is another endpoint."),
    }),
    "The pod.",
  ),
  ruleSet: name("RuleSet of its groups; absent: no group selects it.").optional(),
  acl: name("RuleSet of its namespace's network ACL.").optional(),
  allowances: documented(allowances, "Its limits."),
  trackedPorts: list(
    z.strictObject({
      protocol: tcpOrUdp,
      port: whole(1, 65_535, "Local port."),
    }),
    1024,
    "Local ports on which every flow is tracked (S-60).",
  ),
  closed: line(32_768, "Why it is closed (S-75).").optional(),
});

const nodePolicy = documented(
  z.strictObject({ node: name("Name of the node."), endpoints: list(endpoint, 1024, "Its endpoints.") }),
  "The endpoints of one node.",
);

const nodeConfig = documented(
  z.strictObject({
    revision,
    tracking: documented(
      z.strictObject({
        cidrs: list(cidr, 16_000, "Remote addresses whose flows are tracked."),
        outsideCluster: documented(z.boolean(), "Also everything outside clusterCidrs."),
        clusterCidrs: list(cidr, 64, "Addresses of the cluster."),
      }),
      "Flows that are tracked whatever the rules (S-60).",
    ),
    dnsAddresses: list(line(39, "IP address."), 64, "Cluster DNS and node-local DNS (S-20)."),
    antiSpoofing: z.enum(["Filtered", "All"]).meta({ description: "Whose source addresses are checked (S-22)." }),
  }),
  "What holds on every node.",
);

/** Schema of the status of a NodePolicy, which the agent writes. */
export const nodePolicyStatus = z.strictObject({
  observedGeneration: whole(0, Number.MAX_SAFE_INTEGER, "Generation of the NodePolicy that is in force."),
  config: line(64, "Revision of the NodeConfig that is in force."),
  revisions: z
    .record(z.string().max(253), line(64, "Revision in force."))
    .meta({ description: "Revisions of the rule sets and ACLs that the node uses, by name.", maxProperties: 2048 }),
  endpoints: z
    .array(
      z.strictObject({
        uid: line(128, "UID of the pod."),
        state: z.enum(["Programmed", "NotProgrammed"]).meta({ description: "Whether its policy is in force." }),
        message: line(32_768, "Why not.").optional(),
      }),
    )
    .max(1024)
    .meta({ description: "Each endpoint.", ...mapList("uid") }),
});

/** Schemas of the specs. */
export const compiledSchemas = {
  RuleSet: ruleSet,
  AddressSet: documented(addressSet, "One slice of the addresses that rules refer to."),
  NodePolicy: nodePolicy,
  NodeConfig: nodeConfig,
};
