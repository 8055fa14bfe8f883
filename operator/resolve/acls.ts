import type { AclRule, AclSet } from "../../semantics/policy.ts";
import type { AclObject } from "../snapshot.ts";
import { nameOf, revisionOf } from "./hash.ts";
import type { JudgedAcl } from "./judgement.ts";

/** Name of the compiled form of a network ACL. */
export function aclName({ uid }: AclObject): string {
  return nameOf("acl", [uid]);
}

/** The ACL's rules from the lowest number on (S-80), ingress before egress. */
function compileAcl(acl: AclObject): AclSet {
  const lists = [
    ["ingress", acl.spec?.inbound ?? []],
    ["egress", acl.spec?.outbound ?? []],
  ] as const;
  const rules = lists.flatMap(([direction, entries]) =>
    entries
      .map(({ number, action, service, cidr }): AclRule => ({ direction, number, action, service, cidr }))
      .sort((a, b) => a.number - b.number),
  );
  const content = { namespace: acl.namespace, rules };
  return { name: aclName(acl), revision: revisionOf(content), ...content };
}

/** The AclSet of this name as it is now; one whose ACL is gone or refused stays as it was (S-75). */
export function currentAcl(
  name: string,
  judged: Iterable<JudgedAcl>,
  existing: AclSet | undefined,
): AclSet | undefined {
  for (const { acl, refusal } of judged)
    if (aclName(acl) === name) return refusal === undefined ? compileAcl(acl) : existing;
  return existing;
}
