import { z } from "zod";
import { address, field, whole, word } from "./fields.ts";

/** What the operator's and the agent's configuration would say. */
export const configSpec = z.strictObject({
  /** Entries of the node's connection table. */
  tableSize: whole(1, 4_194_304).default(65_536),
  /** Cluster DNS and node-local DNS (S-20). */
  dnsAddresses: z.array(address, "is not a list").default([]),
  /** `namespace/name` of the group of pods that no group selects; null: they are not filtered. */
  defaultGroup: field<string | null>(
    (value) =>
      value === null || (typeof value === "string" && /^[-a-z0-9.]+\/[-a-z0-9.]+$/.test(value)) ? value : undefined,
    "is no group",
    "give namespace/name of a SecurityGroup, or null",
  ).default(null),
  antiSpoofing: word(["Filtered", "All"]).default("Filtered"),
  /** Connections of a pod that no profile selects (S-70). */
  conntrackMax: whole(1, 4_194_304).optional(),
  quotas: z
    .strictObject({
      /** S-15, S-86; the names of the operator's configuration. */
      rulesPerGroup: whole(1, 1000).optional(),
      groupsPerEndpoint: whole(1, 16).optional(),
      rulesPerEndpoint: whole(1, 1000).optional(),
      aclRules: whole(1, 40).optional(),
    })
    .default({}),
});

export type ScenarioConfig = z.output<typeof configSpec>;
