import { z } from "zod";
import { namespacedMetadata, status } from "./metadata.ts";
import type { DeepReadonly } from "./readonly.ts";
import { egressRule, ingressRule, mostRules, toGroupRule } from "./rule.ts";
import { selector } from "./selector.ts";
import { text, textForms } from "./text.ts";
import { apiVersion } from "./version.ts";

/** What an omitted `egress` means: everything, IPv4 and IPv6 (S-18). */
const allEgress: z.input<typeof egressRule>[] = [{ protocol: "all", to: [{ cidr: "0.0.0.0/0" }, { cidr: "::/0" }] }];

const spec = z
  .strictObject({
    description: text(textForms.description, "What the group is for.").optional(),
    podSelector: selector.optional().meta({
      description: "Pods of the group's namespace to which it is attached; {} is all, omitted is no condition.",
    }),
    serviceAccountSelector: selector.optional().meta({
      description:
        "Labels of the pods' service accounts. With podSelector, both must select; without either, the group is attached to nobody.",
    }),
    ingress: z
      .array(ingressRule)
      .max(mostRules)
      .default([])
      .meta({ description: "What may enter the members. Rules only allow; omitted: nothing (S-1, S-18)." }),
    egress: z
      .array(egressRule)
      .max(mostRules)
      .prefault(allEgress)
      .meta({ description: "What may leave the members. Omitted: everything, IPv4 and IPv6; []: nothing (S-18)." }),
  })
  .meta({ description: "Attachment and rules." });

/** Schema of SecurityGroup. Exact duplicates of rules are found by `duplicateRules`, not here (S-5). */
export const securityGroup = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal("SecurityGroup"),
    metadata: namespacedMetadata,
    spec,
    status,
  })
  .transform(({ spec, ...object }, context) => {
    // Zod comes here with unknown fields too, and a peer that is one names nothing.
    if (context.issues.length > 0) return z.NEVER;
    const rule = (written: Parameters<typeof toGroupRule>[0]) => toGroupRule(written, object.metadata.namespace);
    return { ...object, spec: { ...spec, ingress: spec.ingress.map(rule), egress: spec.egress.map(rule) } };
  })
  .meta({ description: "An EC2 security group for pods: stateful rules, attached by selectors." });

/** A SecurityGroup with defaults applied and rules normalised. */
export type SecurityGroup = DeepReadonly<z.output<typeof securityGroup>>;
