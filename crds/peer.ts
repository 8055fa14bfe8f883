import { z } from "zod";
import type { GroupKey, Peer } from "../semantics/policy.ts";
import { twin, twins } from "./cel.ts";
import { cidr } from "./cidr.ts";
import { checked } from "./refusal.ts";
import { text, textForms } from "./text.ts";

const kinds = ["cidr", "prefixList", "securityGroup"] as const;

const noKind = { message: "names no peer", remedy: "write one of cidr, prefixList, securityGroup" };
const severalKinds = { message: "names several kinds of peer at once", remedy: "make each an entry of its own" };

const [first, ...others] = kinds.map((kind) => `has(self.${kind})`);

/** One peer as it is written: exactly one of its three fields (S-3). */
export const peer = checked(
  z.strictObject({
    cidr: cidr.optional(),
    prefixList: text(textForms.objectName, "Name of a PrefixList; the rule follows its latest entries.").optional(),
    securityGroup: z
      .strictObject({
        name: text(textForms.objectName, "Name of the SecurityGroup."),
        namespace: text(
          textForms.namespaceName,
          "Its namespace; omitted: that of the group with this rule.",
        ).optional(),
      })
      .optional()
      .meta({ description: "A SecurityGroup: stands for the addresses of its members, in both families (S-9)." }),
  }),
  (value, findings) => {
    const named = kinds.filter((kind) => value[kind] !== undefined || !findings.sound(kind));
    if (named.length > 1)
      findings.refuse({
        message: `names ${named.length} kinds of peer at once: ${named.join(", ")}`,
        remedy: severalKinds.remedy,
      });
    if (named.length === 0 && !findings.unknownFields) findings.refuse(noKind);
  },
).meta({
  description: "One peer: exactly one of cidr, prefixList and securityGroup.",
  ...twins(
    twin([first, ...others].join(" || "), noKind),
    // Without a list: at worst it is judged for each peer of each rule.
    twin(`!(${first} ? ${others.join(" || ")} : ${others.join(" && ")})`, severalKinds),
  ),
});

/** A peer as written, checked. */
export type WrittenPeer = z.output<typeof peer>;

/** Key of a group: `namespace/name`. */
export function groupKey(namespace: string, name: string): GroupKey {
  return `${namespace}/${name}` as GroupKey;
}

/** The peer that a checked entry means in a group of this namespace. */
export function toPeer(written: WrittenPeer, namespace: string): Peer {
  if (written.cidr !== undefined) return { cidr: written.cidr };
  if (written.prefixList !== undefined) return { prefixList: written.prefixList };
  if (written.securityGroup === undefined) throw new TypeError("a peer without a kind was accepted");
  return { group: groupKey(written.securityGroup.namespace ?? namespace, written.securityGroup.name) };
}
