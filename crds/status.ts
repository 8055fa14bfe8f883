import { z } from "zod";
import { mapList } from "./map.ts";

/** Most entries of a list in a status. */
const mostListed = 64;

/** Longest message, as in `metav1.Condition`. */
const longestMessage = 32_768;

const message = (documentation: string) => z.string().max(longestMessage).meta({ description: documentation });
const word = (documentation: string) => z.string().max(64).meta({ description: documentation });
const place = (documentation: string) => z.string().max(128).meta({ description: documentation });
const count = (documentation: string) => z.int().min(0).meta({ description: documentation });
const list = <S extends z.ZodType>(entry: S, documentation: string) =>
  z.array(entry).max(mostListed).meta({ description: documentation });

/** `metav1.Condition` (api-conventions.md, "Typical status properties"). */
const condition = z.strictObject({
  type: z
    .string()
    .max(316)
    .regex(/^[A-Za-z]([A-Za-z0-9]*[A-Za-z0-9])?$/)
    .meta({ description: "What the condition is about: Accepted, Resolved or Programmed." }),
  status: z.enum(["True", "False", "Unknown"]).meta({ description: "Whether it holds: True, False or Unknown." }),
  observedGeneration: z.int().min(0).meta({ description: "Generation of the object that the condition was told of." }),
  lastTransitionTime: z
    .string()
    .max(64)
    .meta({ format: "date-time", description: "Since when the status is as it is." }),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .regex(/^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/)
    .meta({ description: "Why, in one CamelCase word." }),
  message: message("Why, for a person: what, where and what to do."),
});

const conditions = z
  .array(condition)
  .max(8)
  .meta({ description: "What the operator found, by type.", ...mapList("type") });

const warnings = list(
  z.strictObject({ reason: word("What kind, in one CamelCase word."), message: message("What, and what to do.") }),
  "What works but may not be what was meant.",
);

const stale = (documentation: string) =>
  list(
    z.strictObject({
      place: place("Where it stands, as spec.ingress[0].from[1]."),
      reason: word("GroupNotFound or PrefixListNotFound."),
      message: message("What is missing, and what to do."),
    }),
    documentation,
  );

const families = (documentation: string) =>
  z
    .strictObject({ ipv4: count("Rules for IPv4."), ipv6: count("Rules for IPv6.") })
    .meta({ description: documentation });

const attached = count("Pods to which it is attached.");
const programmed = count("Of these, pods at whose endpoints it is in force.");
const quota = count("Most that the operator's configuration permits.");

const securityGroup = z.strictObject({
  conditions,
  attached,
  programmed,
  rules: z
    .strictObject({ ingress: families("Ingress."), egress: families("Egress."), quota })
    .meta({ description: "Rules as the quota counts them (S-15, S-16)." }),
  staleRules: stale("Rules that match nothing because their peer does not exist (S-12)."),
  duplicateRules: list(
    z.strictObject({ place: place("The rule."), first: place("The rule that it repeats.") }),
    "Rules that repeat others; they count once (S-5).",
  ),
  untrackedRules: list(
    z.strictObject({ place: place("The rule."), message: message("Which flows, and because of which other rule.") }),
    "Rules whose flows are not tracked (S-50).",
  ),
  warnings,
});

const prefixList = z.strictObject({
  conditions,
  entries: count("Entries."),
  maxEntries: count("Entries that it may hold."),
  attached: count("Pods that have rules that refer to it."),
  programmed: count("Of these, pods at whose endpoints these rules are in force. Agents do not tell of entries."),
  references: count("Groups and tracking policies that refer to it."),
  referencedBy: list(z.string().max(400), "The first of these, as SecurityGroup default/web."),
  warnings,
});

const networkACL = z.strictObject({
  conditions,
  attached,
  programmed,
  rules: z
    .strictObject({ inbound: count("Inbound rules."), outbound: count("Outbound rules."), quota })
    .meta({ description: "Rules per direction, and the quota (S-86)." }),
});

const allowanceProfile = z.strictObject({
  conditions,
  applied: count("Pods to which it applies: those that it selects and no profile before it does."),
  programmed,
});

const trackingPolicy = z.strictObject({
  conditions,
  nodes: count("Nodes with endpoints."),
  programmed: count("Of these, nodes on which it is in force."),
  staleReferences: stale("Prefix lists that do not exist."),
});

/** What the operator writes into the status of each kind that users write. */
export const userStatuses = {
  SecurityGroup: securityGroup,
  PrefixList: prefixList,
  NetworkACL: networkACL,
  AllowanceProfile: allowanceProfile,
  TrackingPolicy: trackingPolicy,
} as const;
