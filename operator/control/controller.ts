import type { Logger } from "pino";
import { userStatuses } from "../../crds/status.ts";
import type { OperatorConfig } from "../config.ts";
import { policyHappenings } from "../eks/group-ids.ts";
import { decideHappenings, type Happening } from "../events/decide.ts";
import type { CacheChange } from "../kube/cache.ts";
import type { Chance, Timers } from "../kube/ports.ts";
import { NotLeading, type Term } from "../leader/elector.ts";
import type { ApiPort, Clock, Kind } from "../ports.ts";
import { ApiError, describeRef, refOf } from "../ports.ts";
import type { Overview } from "../resolve/resolution.ts";
import { same } from "../same.ts";
import { MemberPacer } from "./member-pacer.ts";
import { type Batch, type QueueOptions, WorkQueue } from "./queue.ts";
import { Rounds } from "./rounds.ts";

/** How a round of work ended. */
type Outcome = "done" | "conflict" | "failed" | "not-leading";

/** Who is told how the work goes. Times are milliseconds. */
export interface ControllerObserver {
  /** A batch was taken up, whose oldest key had waited so long. */
  taken(waited: number): void;
  reconciled(outcome: Outcome, took: number): void;
  /** From the first change of a batch until its compiled objects were written. */
  compiled(since: number): void;
  /** What the last round worked out. */
  resolved(overview: Overview): void;
}

/** What a controller needs. */
export interface ControllerParts {
  /** Reads from caches, writes through the guard of the lease. */
  readonly api: ApiPort;
  readonly config: OperatorConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly chance: Chance;
  readonly queue: QueueOptions;
  /** How long agents' reports are gathered before statuses are told from them, milliseconds. */
  readonly reportDelay: number;
  /** Shortest time between two writes of an address set as its members change, milliseconds. */
  readonly memberInterval: number;
  readonly record: (happening: Happening) => void;
  readonly observer: ControllerObserver;
  readonly log: Logger;
}

/** Key of the work that only concerns statuses. */
const statusKey = "statuses";

/** Key of everything, for the start of a term. */
const startKey = "everything";

/** Turns changes of objects into rounds of work, one at a time, as long as this replica leads. */
export class Controller {
  readonly #parts: ControllerParts;
  readonly #queue: WorkQueue;
  readonly #rounds: Rounds;
  /** What was said about SecurityGroupPolicies in this term and still holds: it is said once. */
  #saidOfPolicies: ReadonlySet<string> = new Set();

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    this.#queue = new WorkQueue(parts.timers, parts.chance, parts.queue);
    const pacer = new MemberPacer(parts.timers, parts.memberInterval, (name, delay) =>
      this.#queue.add(describeRef({ kind: "AddressSet", name }), delay),
    );
    this.#rounds = new Rounds(parts.api, parts.config, parts.clock, pacer);
  }

  /** Keys that wait. */
  get depth(): number {
    return this.#queue.depth;
  }

  /** An object changed. Also told to a replica that does not lead: it begins its term with everything. */
  changed({ kind, before, after }: CacheChange): void {
    if (isReport(kind, before?.spec, after?.spec)) {
      this.#queue.add(statusKey, this.#parts.reportDelay);
      return;
    }
    const object = after ?? before;
    if (object !== undefined) this.#queue.add(describeRef(refOf(object)));
  }

  /** Works until the term ends. */
  async lead(term: Term): Promise<void> {
    this.#rounds.forget();
    this.#saidOfPolicies = new Set();
    this.#queue.add(startKey);
    for (;;) {
      const batch = await this.#queue.take(term.signal);
      if (batch === undefined) return;
      await this.#round(batch);
    }
  }

  async #round(batch: Batch): Promise<void> {
    const { observer, timers, log } = this.#parts;
    observer.taken(batch.waited);
    const began = timers.elapsed();
    try {
      await this.#work(batch);
      this.#queue.done(batch.keys);
      observer.reconciled("done", timers.elapsed() - began);
    } catch (error) {
      const outcome = outcomeOf(error);
      observer.reconciled(outcome, timers.elapsed() - began);
      this.#rounds.forget();
      if (outcome === "failed")
        log.error({ err: error, keys: batch.keys.slice(0, 5) }, "reconciling failed; will retry");
      else log.info({ outcome, reason: (error as Error).message }, "reconciling stopped; will retry");
      this.#queue.retry(batch.keys);
    }
  }

  async #work({ keys, waited }: Batch): Promise<void> {
    const { observer, timers, reportDelay } = this.#parts;
    const began = timers.elapsed();
    const changed = keys.filter((key) => key !== statusKey);
    const extent = changed.length > 0 ? await this.#rounds.compile(changed) : undefined;
    if (extent !== undefined) observer.compiled(waited + timers.elapsed() - began);
    // Who wrote an object waits for what is said of it. Pods come and go all the time: what statuses say of them is
    // gathered, as what agents report is.
    const awaited = extent === "whole" || changed.some(isOfUser) || keys.includes(statusKey);
    if (awaited) await this.#tell();
    else if (extent === "part") this.#queue.add(statusKey, reportDelay);
  }

  async #tell(): Promise<void> {
    const { overview, changes } = await this.#rounds.tell();
    this.#parts.observer.resolved(overview);
    for (const change of changes) for (const happening of decideHappenings(change)) this.#parts.record(happening);
    const ofPolicies = new Map(policyHappenings(overview.snapshot).map((one) => [`${one.uid} ${one.note}`, one]));
    for (const [said, happening] of ofPolicies) if (!this.#saidOfPolicies.has(said)) this.#parts.record(happening);
    this.#saidOfPolicies = new Set(ofPolicies.keys());
  }
}

/** Whether a key is that of an object that has a status to be told. */
const isOfUser = (key: string): boolean => key.slice(0, key.indexOf(" ")) in userStatuses;

/** Whether a change is an agent's report alone. */
function isReport(kind: Kind, before: unknown, after: unknown): boolean {
  return kind === "NodePolicy" && before !== undefined && after !== undefined && same(before, after);
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof NotLeading) return "not-leading";
  // A cache lags behind, or somebody else wrote: what was decided is decided again.
  if (error instanceof ApiError && (error.code === "Conflict" || error.code === "NotFound")) return "conflict";
  return "failed";
}
