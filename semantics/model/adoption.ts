import { ticksOf } from "./clock.ts";
import type { Filter } from "./node.ts";

/**
 * S-40a: whether an endpoint that ran unfiltered takes over its connections: from its first group on, for one
 * established timeout or until its compiled rules change, whichever comes first. Being closed changes no rules.
 */
export class Adoption {
  /** It runs, or ran until it was closed, without a group. */
  #unfiltered: boolean;
  /** Revision of the rules that adoption began under. */
  #under: string | undefined;
  /** Ticks. */
  #until = 0;

  /** `ranUnfiltered`: before anybody programmed it. */
  constructor(ranUnfiltered: boolean) {
    this.#unfiltered = ranUnfiltered;
  }

  /** Takes note of what filters the endpoint from now on. */
  program({ closed, rulesRevision, allowances }: Filter, now: number): void {
    if (closed !== undefined) return;
    if (rulesRevision === undefined || allowances === undefined) {
      this.#unfiltered = true;
      this.#under = undefined;
    } else if (this.#unfiltered) {
      this.#unfiltered = false;
      this.#under = rulesRevision;
      this.#until = now + ticksOf(allowances.timeouts.tcpEstablished);
    } else if (this.#under !== rulesRevision) {
      this.#under = undefined;
    }
  }

  isOn(now: number): boolean {
    return this.#under !== undefined && now < this.#until;
  }
}
