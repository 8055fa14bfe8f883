import type { CaseName } from "./cases.ts";

/** What a figure is held against: nanoseconds net of the test run, or a multiple of the bare lookup's. */
export type Goal = { readonly nanoseconds: number } | { readonly lookups: number };

/** Goal of a case by rules in a table and flows in the connection table; undefined where none is set. */
export function goalOf(name: CaseName, rules: number, flows: number): Goal | undefined {
  switch (name) {
    case "established":
      return flows > 1 ? { lookups: 1.15 } : { nanoseconds: 40 };
    case "untracked":
      return { nanoseconds: 20 };
    case "new flow":
      return { nanoseconds: rules <= 1 ? 350 : rules <= 100 ? 400 : 450 };
    case "over allowance":
      return { nanoseconds: 150 };
    case "no rule":
      return undefined;
  }
}

/** How much more than IPv4 the same case may cost over IPv6. */
export const ipv6Share = 1.25;
