import { z } from "zod";
import { celMatches, twin, twins } from "./cel.ts";
import { type Reading, read } from "./refusal.ts";

const multipliers: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** As in Kubernetes' bandwidth annotations. */
const most = 1e15;

const form = /^([0-9]+(?:\.[0-9]+)?)(?:([kMGTP]|[KMGTP]i)|[eE]([0-9]{1,2}))?$/;

const noQuantity = {
  message: "not a Kubernetes quantity",
  remedy: "write a number, with k, M, G, T, P (powers of 1000) or Ki, Mi, Gi, Ti, Pi (of 1024) if wanted, as in 100M",
};
const outside = { message: "outside 1 to 1P" };
const tooSmall = "write at least 1, or leave the field out for no limit";
const tooLarge = "write at most 1P";

const hasForm = celMatches("self", form);

const rules = twins(
  twin(`type(self) == int || ${hasForm}`, noQuantity),
  twin(`type(self) == int ? self >= 1 : !${hasForm} || quantity(self).compareTo(quantity('1')) >= 0`, {
    ...outside,
    remedy: tooSmall,
  }),
  twin(`type(self) == int ? self <= ${most} : !${hasForm} || quantity(self).compareTo(quantity('1P')) <= 0`, {
    ...outside,
    remedy: tooLarge,
  }),
);

/** Reads a Kubernetes quantity, `100M` or 1000000, of at least one and at most 1P. Fractions of one are cut off. */
function readQuantity(quantity: string | number): Reading<number> {
  const match = form.exec(String(quantity));
  if (!match) return { refusal: noQuantity };
  const multiplier = match[3] === undefined ? (multipliers[match[2] ?? ""] ?? 1) : 10 ** Number(match[3]);
  // 1.001k is 1000.9999… as a product: only 15 digits of it are to be believed.
  const value = Number((Number(match[1]) * multiplier).toPrecision(15));
  if (value >= 1 && value <= most) return { value: Math.floor(value) };
  return { refusal: { ...outside, remedy: value < 1 ? tooSmall : tooLarge } };
}

/** A Kubernetes quantity; `unit` names what is counted. */
export function quantity(documentation: string) {
  return read(
    z
      .union([z.number(), z.string().max(32)])
      .meta({ "x-kubernetes-int-or-string": true, ...rules, description: documentation }),
    readQuantity,
  );
}
