import { z } from "zod";
import type { Cidr, Service } from "../semantics/policy.ts";
import { twins } from "./cel.ts";
import { cidr } from "./cidr.ts";
import { mapList } from "./map.ts";
import { namespacedMetadata, status } from "./metadata.ts";
import type { DeepReadonly } from "./readonly.ts";
import { checked, unique } from "./refusal.ts";
import { checkFamily, checkTraffic, familyTwins, toService, trafficFields, trafficTwins } from "./traffic.ts";
import { apiVersion } from "./version.ts";

/** Most rules per direction; the default quota of 20 is the operator's (S-86). */
const mostAclRules = 40;

/** One numbered rule of a NetworkACL. */
interface AclEntry {
  readonly number: number;
  readonly action: "allow" | "deny";
  readonly service: Service;
  readonly cidr: Cidr;
}

const aclRule = checked(
  z.strictObject({
    number: z.int().min(1).max(32_766).meta({
      description: "Place in the order, 1 to 32766, once per direction; the lowest that matches decides (S-80).",
    }),
    action: z.enum(["allow", "deny"]).meta({ description: "What happens to a packet that matches: allow or deny." }),
    ...trafficFields,
    cidr,
  }),
  (rule, findings) => {
    checkTraffic(rule, findings);
    if (findings.sound("protocol") && findings.sound("cidr")) checkFamily(rule.protocol, rule.cidr, ["cidr"], findings);
  },
)
  .transform(
    (rule): AclEntry => ({ number: rule.number, action: rule.action, service: toService(rule), cidr: rule.cidr }),
  )
  .meta({
    description: "A numbered rule.",
    ...twins(...trafficTwins, ...familyTwins(".cidr", (holds) => holds("self.cidr"))),
  });

const rules = (list: "inbound" | "outbound", documentation: string) =>
  unique(
    z.array(aclRule).max(mostAclRules),
    (value) => {
      const number = (value as Partial<AclEntry> | undefined)?.number;
      return typeof number === "number" ? number : undefined;
    },
    (key, first) => ({
      path: ["number"],
      message: `${key} is the number of spec.${list}[${first}] already`,
      remedy: "give each rule of a direction its own number",
    }),
  )
    .default([])
    .meta({ description: documentation, ...mapList("number") });

const spec = z
  .strictObject({
    inbound: rules("inbound", "Rules for packets that enter the namespace's pods; what none matches is denied (S-80)."),
    outbound: rules("outbound", "Rules for packets that leave them; replies need rules of their own (S-81)."),
  })
  .meta({ description: "Numbered rules. With empty lists everything is denied (S-82)." });

/** Schema of NetworkACL. */
export const networkACL = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal("NetworkACL"),
    metadata: namespacedMetadata,
    spec,
    status,
  })
  .meta({ description: "An EC2 network ACL for a namespace: stateless, numbered rules that allow and deny." });

/** A NetworkACL with rules normalised, in the order written. */
export type NetworkACL = DeepReadonly<z.output<typeof networkACL>>;
