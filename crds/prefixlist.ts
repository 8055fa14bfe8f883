import { z } from "zod";
import { twin, twins } from "./cel.ts";
import { cidr, familyOf } from "./cidr.ts";
import { mapList } from "./map.ts";
import { clusterMetadata, status } from "./metadata.ts";
import type { DeepReadonly } from "./readonly.ts";
import { checked, unique } from "./refusal.ts";
import { text, textForms } from "./text.ts";
import { apiVersion } from "./version.ts";

/** Most entries of a prefix list (S-14). */
const mostEntries = 1000;

const entry = z
  .strictObject({
    cidr,
    description: text(textForms.description, "What the entry is.").optional(),
  })
  .meta({ description: "One CIDR." });

const removeOne = "remove one of the two";

const entries = unique(
  z.array(entry).max(mostEntries),
  (value) => {
    const written = (value as Partial<z.output<typeof entry>> | undefined)?.cidr;
    return typeof written === "string" ? written : undefined;
  },
  (key, first) => ({
    path: ["cidr"],
    message: `${key} is in the list already, as spec.entries[${first}]`,
    remedy: removeOne,
  }),
)
  .default([])
  .meta({
    description: "The CIDRs, each once; they may overlap (S-14).",
    ...mapList("cidr"),
    // A map that is given the same key twice is an error, and its message names the key.
    ...twins(
      twin(
        "!self.all(entry, isCIDR(entry.cidr)) || " +
          "self.transformMapEntry(index, entry, {string(cidr(entry.cidr).masked()): index}).size() == self.size()",
        { message: "a CIDR is in the list twice", remedy: removeOne },
      ),
    ),
  });

const otherList = "a list holds one family: put it into another list";

const spec = checked(
  z.strictObject({
    addressFamily: z.enum(["IPv4", "IPv6"]).meta({ description: "Family of all entries: IPv4 or IPv6." }),
    maxEntries: z
      .int()
      .min(1)
      .max(mostEntries)
      .meta({ description: "Entries that the list may ever hold; a rule that refers to it counts as so many (S-16)." }),
    entries,
  }),
  ({ addressFamily, maxEntries, entries }, findings) => {
    if (!Array.isArray(entries)) return;
    if (findings.sound("maxEntries") && entries.length > maxEntries)
      findings.refuse({
        path: ["maxEntries"],
        message: `is less than the ${entries.length} entries`,
        remedy: `raise it to ${entries.length} or more, at most ${mostEntries}, or remove entries`,
      });
    if (!findings.sound("addressFamily")) return;
    for (const [index, entry] of entries.entries()) {
      if (!findings.sound("entries", index, "cidr") || `IPv${familyOf(entry.cidr)}` === addressFamily) continue;
      findings.refuse({
        path: ["entries", index, "cidr"],
        message: `is not ${addressFamily}, the family of this list`,
        remedy: otherList,
      });
    }
  },
).meta({
  description: "Family, size and entries.",
  ...twins(
    twin(
      "!has(self.entries) || self.entries.size() <= self.maxEntries",
      {
        message: "is less than the number of entries",
        remedy: `raise it, to at most ${mostEntries}, or remove entries`,
      },
      ".maxEntries",
    ),
    twin(
      "!has(self.entries) || self.entries.all(entry, entry.cidr.contains(':') == (self.addressFamily == 'IPv6'))",
      { message: "has a CIDR that is not of the family of this list", remedy: otherList },
      ".entries",
    ),
  ),
});

/** Schema of PrefixList. */
export const prefixList = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal("PrefixList"),
    metadata: clusterMetadata,
    spec,
    status,
  })
  .meta({ description: "A named list of CIDRs that rules refer to." });

/** A PrefixList with canonical CIDRs. */
export type PrefixList = DeepReadonly<z.output<typeof prefixList>>;
