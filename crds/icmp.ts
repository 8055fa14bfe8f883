import { z } from "zod";
import type { IcmpMatch } from "../semantics/policy.ts";
import { twin, twins } from "./cel.ts";
import { checked } from "./refusal.ts";

const number = (documentation: string) => z.int().min(-1).max(255).default(-1).meta({ description: documentation });

/** Any type and code: what a rule for icmp or icmpv6 without `icmp` means. */
export const anyIcmp: IcmpMatch = { type: -1, code: -1 };

const codeOfAny = { message: "type -1 (any) requires code -1", remedy: "name the type, or write code -1" };

/** ICMP type and code of a rule (S-7). */
export const icmp = checked(
  z.strictObject({
    type: number("ICMP type, 0 to 255; -1 is any."),
    code: number("ICMP code, 0 to 255; -1 is any. Type -1 requires code -1."),
  }),
  ({ type, code }, findings) => {
    if (!findings.sound("type") || !findings.sound("code")) return;
    if (type === -1 && code !== -1) findings.refuse({ path: ["code"], ...codeOfAny });
  },
).meta({
  description: "ICMP type and code, for icmp and icmpv6 only. Omitted: every type and code.",
  ...twins(twin("self.type != -1 || self.code == -1", codeOfAny, ".code")),
});
