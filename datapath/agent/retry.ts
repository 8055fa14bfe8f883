import type { CompiledState, NodeFacts } from "../../semantics/policy.ts";
import type { AgentControl, EndpointAttachment, EndpointStatus } from "./control.ts";

/** How long a failed step waits before it is tried again, in milliseconds: doubled each time. */
const firstPause = 100;
const longestPause = 30_000;

/** Milliseconds before the next try after so many failed ones. */
function pauseAfter(failures: number): number {
  return Math.min(longestPause, firstPause * 2 ** (failures - 1));
}

/** What an agent was last told, and what came of it. */
interface Wanted {
  readonly state: CompiledState;
  readonly node: NodeFacts;
  readonly attachments: readonly EndpointAttachment[];
  statuses: readonly EndpointStatus[];
  failures: number;
}

/**
 * Programs an agent, and goes on trying where a step failed: the endpoint stays closed meanwhile, and its status says
 * why. What the policy itself closes is no failure.
 */
export class Programmer {
  readonly #agent: Pick<AgentControl, "program">;
  #wanted: Wanted | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(agent: Pick<AgentControl, "program">) {
    this.#agent = agent;
  }

  async program(
    state: CompiledState,
    node: NodeFacts,
    attachments: readonly EndpointAttachment[],
  ): Promise<readonly EndpointStatus[]> {
    clearTimeout(this.#timer);
    this.#wanted = { state, node, attachments, statuses: [], failures: 0 };
    return this.#try(this.#wanted);
  }

  /** How each endpoint is now; empty before the first `program`. */
  statuses(): readonly EndpointStatus[] {
    return this.#wanted?.statuses ?? [];
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #try(wanted: Wanted): Promise<readonly EndpointStatus[]> {
    let failed = true;
    try {
      wanted.statuses = await this.#agent.program(wanted.state, wanted.node, wanted.attachments);
      failed = wanted.statuses.some((status) => status.state === "NotProgrammed" && status.retried === true);
      return wanted.statuses;
    } catch (error) {
      // Endpoints go on under what they had; not one has what is wanted now.
      const message = error instanceof Error ? error.message : String(error);
      const status = { state: "NotProgrammed", message, retried: true } as const;
      wanted.statuses = wanted.attachments.map(({ uid }) => ({ uid, ...status }));
      throw error;
    } finally {
      if (failed && wanted === this.#wanted) this.#tryAgain(wanted);
    }
  }

  #tryAgain(wanted: Wanted): void {
    wanted.failures += 1;
    this.#timer = setTimeout(() => {
      // The failure is in the statuses, or was the caller's to hear of the first time.
      this.#try(wanted).catch(() => {});
    }, pauseAfter(wanted.failures));
  }
}
