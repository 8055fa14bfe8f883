import { aclName } from "../resolve/acls.ts";
import type { JudgedAcl } from "../resolve/judgement.ts";
import type { Resolution } from "../resolve/resolution.ts";
import { accepted, notInForce } from "./acceptance.ts";
import { type Condition, settle } from "./condition.ts";
import { type EndpointProgress, programmedOf, summarise } from "./progress.ts";

/** Status of a NetworkACL. */
export interface NetworkAclStatus {
  readonly conditions: readonly Condition[];
  /** Pods of the namespace that have an interface of their own and a node. */
  readonly attached: number;
  readonly programmed: number;
  readonly rules: { readonly inbound: number; readonly outbound: number; readonly quota: number };
}

/** Works it out. `now` is RFC 3339. */
export function networkAclStatus(
  { acl, refusal }: JudgedAcl,
  { config, decisions }: Pick<Resolution, "config" | "decisions">,
  progress: ReadonlyMap<string, EndpointProgress>,
  now: string,
): NetworkAclStatus {
  const name = aclName(acl);
  const uids = [...decisions].filter(([, { filters }]) => filters.acl === name).map(([uid]) => uid);
  const endpoints = uids.map((uid) => progress.get(uid)?.filters).filter((one) => one !== undefined);
  const programmed = refusal === undefined ? summarise(endpoints, "endpoint") : notInForce("Programmed");
  return {
    conditions: settle([accepted(refusal), programmed], acl.generation, acl.status, now),
    attached: uids.length,
    programmed: refusal === undefined ? programmedOf(endpoints) : 0,
    rules: {
      inbound: acl.spec?.inbound.length ?? 0,
      outbound: acl.spec?.outbound.length ?? 0,
      quota: config.quotas.aclRules,
    },
  };
}
