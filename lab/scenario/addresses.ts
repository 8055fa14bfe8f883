import { parseAddress } from "../../semantics/address.ts";
import type { Address } from "../../semantics/policy.ts";
import type { Scenario } from "./scenario.ts";

/** Gives out addresses to pods and hosts that name none, past those that anything in the scenario names. */
export class AddressBook {
  readonly #taken: Set<string>;
  #nextPod = 10;
  #nextHost = 10;

  constructor(taken: Iterable<Address>) {
    this.#taken = new Set(taken);
  }

  pod(): Address[] {
    return this.#pair(
      () => this.#nextPod++,
      (n) => `10.244.${n >> 8}.${n & 255}`,
      (n) => `fd00:244::${n.toString(16)}`,
    );
  }

  host(): Address[] {
    return this.#pair(
      () => this.#nextHost++,
      (n) => `203.0.113.${n}`,
      (n) => `2001:db8::${n.toString(16)}`,
    );
  }

  #pair(next: () => number, ipv4: (n: number) => string, ipv6: (n: number) => string): Address[] {
    for (;;) {
      const number = next();
      const pair = [ipv4(number), ipv6(number)].map(known);
      if (pair.some((address) => this.#taken.has(address))) continue;
      for (const address of pair) this.#taken.add(address);
      return pair;
    }
  }
}

function known(text: string): Address {
  const parsed = parseAddress(text);
  if (!parsed.ok)
    throw new Error(`${text}: ${parsed.problem}; name addresses for some of the scenario's pods and hosts`);
  return parsed.value;
}

/** Every address that pods and hosts of a scenario name, also pods that start in a step. */
export function namedAddresses(scenario: Scenario): Address[] {
  const started = scenario.steps.flatMap(({ action }) => (action.kind === "pod" ? [action.pod] : []));
  return [...scenario.pods, ...started, ...scenario.hosts].flatMap((machine) => machine.addresses ?? []);
}
