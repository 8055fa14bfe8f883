import type { CompiledState, NodeFacts } from "../../semantics/policy.ts";
import { waitForGracePeriod } from "../loader/libc.ts";
import type { RingReader } from "../loader/ports.ts";
import { identityEntries, roleEntries } from "./apply/addresses.ts";
import { EndpointTable } from "./apply/endpoint-table.ts";
import { applyEntries } from "./apply/entries.ts";
import { PolicyTable } from "./apply/policy-table.ts";
import { u32Bytes } from "./bytes.ts";
import { ticksOf } from "./clock.ts";
import { combinationKey } from "./compile/identities.ts";
import { type EndpointPlan, planNode } from "./compile/node.ts";
import type {
  AgentControl,
  ConnectionRow,
  EndpointAttachment,
  EndpointMetrics,
  EndpointStatus,
  VerdictRecord,
} from "./control.ts";
import type { Datapath } from "./datapath.ts";
import { readConnection } from "./observe/connections.ts";
import { readMetrics } from "./observe/metrics.ts";
import { readVerdict } from "./observe/verdicts.ts";

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
  #identityNumbers: ReadonlyMap<string, number> = new Map();

  constructor(datapath: Datapath, options: { readonly attach: boolean }) {
    this.#datapath = datapath;
    this.#endpoints = new EndpointTable(datapath, options.attach);
    this.#policies = new PolicyTable(datapath, this.#endpoints.policiesInForce());
    this.#ring = datapath.bpf.readRing(datapath.map("verdicts"));
  }

  async program(
    state: CompiledState,
    node: NodeFacts,
    attachments: readonly EndpointAttachment[],
  ): Promise<readonly EndpointStatus[]> {
    const plan = planNode(state, attachments, this.#identityNumbers);
    const { combinations, addresses } = plan.identities;
    this.#identityNumbers = new Map([...combinations].map(([number, labels]) => [combinationKey(labels), number]));

    // New policies know every new identity before an address gets it; old entries go last.
    const removeRoles = applyEntries(
      this.#datapath.map("roles"),
      roleEntries(node.nodeAddresses, state.config.dnsAddresses),
    );
    this.#policies.install(plan);
    const removeIdentities = applyEntries(this.#datapath.map("identities"), identityEntries(addresses));
    const statuses = plan.endpoints.map((endpoint) => this.#programEndpoint(endpoint));
    const gone = this.#endpoints.closeAllBut(new Set(attachments.map(({ uid }) => uid)));
    removeIdentities();
    removeRoles();

    if (this.#policies.hasStale() || gone || this.#endpoints.hasOrphans()) {
      waitForGracePeriod();
      this.#policies.releaseStale();
      this.#datapath.sweep();
      this.#endpoints.freeClosed();
    }
    return statuses;
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
    const rows: ConnectionRow[] = [];
    for (const entry of this.#datapath.map("connections").entries()) {
      const row = readConnection(entry, reading);
      if (row !== undefined) {
        rows.push(row);
      }
    }
    return rows;
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
    this.#ring.close();
    this.#datapath.close();
  }

  #index(uid: string): number {
    const index = this.#endpoints.indexOf(uid);
    if (index === undefined) {
      throw new UnknownEndpointError(`no endpoint with the pod uid ${uid}`);
    }
    return index;
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
      const message = error instanceof Error ? error.message : String(error);
      this.#endpoints.close(uid);
      return { uid, state: "NotProgrammed", message };
    }
    return plan.closed === undefined
      ? { uid, state: "Programmed" }
      : { uid, state: "NotProgrammed", message: plan.closed };
  }
}
