import type { ConnectionRow, EndpointMetrics } from "../../semantics/observation.ts";
import type { CompiledState, NodeFacts } from "../../semantics/policy.ts";
import type { RingReader } from "../loader/ports.ts";
import { applyRoleFilter, IdentityTable, roleEntries, serviceEntries } from "./apply/addresses.ts";
import { CombinationTable } from "./apply/combinations.ts";
import { EndpointTable } from "./apply/endpoint-table.ts";
import { applyEntries } from "./apply/entries.ts";
import { PolicyTable } from "./apply/policy-table.ts";
import { u32Bytes } from "./bytes.ts";
import { ticksOf } from "./clock.ts";
import { type EndpointPlan, planNode } from "./compile/node.ts";
import type { AgentControl, EndpointAttachment, EndpointStatus, VerdictRecord } from "./control.ts";
import type { Datapath } from "./datapath.ts";
import { readConnection } from "./observe/connections.ts";
import { readMetrics } from "./observe/metrics.ts";
import { readVerdict } from "./observe/verdicts.ts";
import { Programmer } from "./retry.ts";

/** An agent that is asked about a pod it does not know. */
export class UnknownEndpointError extends Error {
  override readonly name = "UnknownEndpointError";
}

/** The per-node agent over one datapath: decides with `planNode`, applies in an order that has no gap, and reads back. */
export class Agent implements AgentControl {
  readonly #datapath: Datapath;
  readonly #endpoints: EndpointTable;
  readonly #policies: PolicyTable;
  readonly #ring: RingReader;
  readonly #programmer = new Programmer({ program: (...wanted) => this.#program(...wanted) });
  readonly #combinations: CombinationTable;
  readonly #identities: IdentityTable;
  /** While slots wait for the grace period after which they are free; nothing is programmed meanwhile. */
  #releasing: Promise<void> | undefined;
  #closed = false;

  constructor(datapath: Datapath, options: { readonly attach: boolean }) {
    this.#datapath = datapath;
    this.#endpoints = new EndpointTable(datapath, options.attach);
    this.#policies = new PolicyTable(datapath, this.#endpoints.policiesInForce());
    this.#combinations = new CombinationTable(datapath.map("combinations"));
    this.#identities = new IdentityTable(datapath.map("identities"));
    this.#ring = datapath.bpf.readRing(datapath.map("verdicts"));
  }

  async program(
    state: CompiledState,
    node: NodeFacts,
    attachments: readonly EndpointAttachment[],
  ): Promise<readonly EndpointStatus[]> {
    return this.#programmer.program(state, node, attachments);
  }

  async statuses(): Promise<readonly EndpointStatus[]> {
    return this.#programmer.statuses();
  }

  async advance(seconds: number): Promise<void> {
    if (!this.#datapath.standing) {
      throw new Error("advance: the clock is running; start the agent with --clock standing");
    }
    this.#datapath.advance(ticksOf(this.#datapath.clock, seconds));
    this.#datapath.sweep();
  }

  async sweep(): Promise<number> {
    return this.#datapath.sweep();
  }

  async connections(uid: string): Promise<readonly ConnectionRow[]> {
    const reading = {
      endpoint: this.#endpoints.view(this.#index(uid)),
      clock: this.#datapath.clock,
      now: this.#datapath.now(),
    };
    const rows = [...this.#datapath.connections()].map((row) => readConnection(row, reading));
    return rows.filter((row) => row !== undefined);
  }

  async metrics(uid: string): Promise<EndpointMetrics> {
    const view = this.#endpoints.view(this.#index(uid));
    const counters = this.#datapath.map("endpoint_counters").lookup(u32Bytes(view.u32("counters")));
    return readMetrics(view, counters ?? new Uint8Array());
  }

  async ruleHits(ruleSet: string): Promise<readonly number[]> {
    return this.#policies.hits(ruleSet);
  }

  async verdicts(): Promise<readonly VerdictRecord[]> {
    return this.#ring.read().flatMap((bytes) => {
      const record = readVerdict(bytes, this.#endpoints, this.#policies);
      return record === undefined ? [] : [record];
    });
  }

  /** Ends what this process holds; pinned programs and maps go on. */
  close(): void {
    this.#closed = true;
    this.#programmer.stop();
    this.#ring.close();
    this.#datapath.close();
  }

  async #program(
    state: CompiledState,
    node: NodeFacts,
    attachments: readonly EndpointAttachment[],
  ): Promise<readonly EndpointStatus[]> {
    // Again, as whoever waited before may have begun the next release.
    while (this.#releasing !== undefined) await this.#releasing;
    return this.#apply(state, node, attachments);
  }

  /** All at once: nothing else runs in between. */
  #apply(state: CompiledState, node: NodeFacts, attachments: readonly EndpointAttachment[]): readonly EndpointStatus[] {
    this.#freeGone(attachments);
    const plan = planNode(state, attachments, {
      numbers: this.#combinations.numbers(),
      combinations: this.#combinations.current(),
      sources: this.#policies.sources(),
    });
    const { combinations, addresses, services } = plan.identities;

    // Endpoints change to policies that know old and new identities, then addresses get the new ones; old ones go last.
    const removeCombinations = this.#combinations.apply(combinations);
    const narrowFilter = applyRoleFilter(this.#datapath.configuration, node.nodeAddresses);
    const removeRoles = applyEntries(
      this.#datapath.map("roles"),
      roleEntries(node.nodeAddresses, state.config.dnsAddresses),
    );
    this.#policies.install(plan);
    const programmed = plan.endpoints.map((endpoint) => this.#programEndpoint(endpoint));
    this.#endpoints.importFlows();
    const statuses = programmed.map((status) => this.#attachEndpoint(status));
    this.#endpoints.finishMigration();
    const removeIdentities = this.#identities.apply(addresses);
    const removeServices = applyEntries(this.#datapath.map("services"), serviceEntries(services));
    removeIdentities();
    removeServices();
    removeRoles();
    narrowFilter();
    removeCombinations();

    if (this.#endpoints.hasOrphans()) {
      this.#datapath.bpf.waitForGracePeriod();
      this.#policies.releaseStale();
      this.#datapath.sweep();
      this.#endpoints.forgetOrphans();
    } else if (this.#policies.hasStale()) {
      this.#releasing = this.#releaseLater();
    }
    return statuses;
  }

  /** Every endpoint has its policy by now, and nobody waits for the old ones to be free but the next change. */
  async #releaseLater(): Promise<void> {
    try {
      await this.#datapath.bpf.gracePeriod();
      if (!this.#closed) this.#policies.releaseStale();
    } catch {
      // They stay stale, and the next change tries again.
    } finally {
      this.#releasing = undefined;
    }
  }

  #index(uid: string): number {
    const index = this.#endpoints.indexOf(uid);
    if (index === undefined) {
      throw new UnknownEndpointError(`no endpoint with the pod uid ${uid}`);
    }
    return index;
  }

  /** First of all, so that a pod which got a gone one's interface number or address inherits nothing. */
  #freeGone(attachments: readonly EndpointAttachment[]): void {
    const gone = this.#endpoints.closeGone(attachments);
    if (gone.length === 0) return;
    this.#datapath.bpf.waitForGracePeriod();
    this.#endpoints.free(gone);
  }

  #attachEndpoint(status: EndpointStatus): EndpointStatus {
    try {
      this.#endpoints.attach(status.uid);
      return status;
    } catch (error) {
      return this.#failed(status.uid, error);
    }
  }

  /** A step failed: the endpoint is closed until it succeeds. */
  #failed(uid: string, error: unknown): EndpointStatus {
    this.#endpoints.close(uid);
    const message = error instanceof Error ? error.message : String(error);
    return { uid, state: "NotProgrammed", message, retried: true };
  }

  #programEndpoint(plan: EndpointPlan): EndpointStatus {
    const { uid } = plan.attachment;
    try {
      this.#endpoints.program(plan, {
        rules: this.#policies.slot(plan.rules),
        acl: this.#policies.slot(plan.acl),
        flags: plan.flags,
      });
    } catch (error) {
      return this.#failed(uid, error);
    }
    return plan.closed === undefined
      ? { uid, state: "Programmed" }
      : { uid, state: "NotProgrammed", message: plan.closed };
  }
}
