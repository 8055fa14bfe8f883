import type { EndpointStatus } from "../../datapath/agent/control.ts";
import type { ApiObject, ObjectRef } from "../../operator/ports.ts";
import type { CompiledState } from "../../semantics/policy.ts";
import { nodeMachine } from "../engine/node.ts";
import type { EndpointInput, Machine } from "../engine/ports.ts";
import type { DeleteAction } from "./actions.ts";
import { AddressBook, namedAddresses } from "./addresses.ts";
import { explainEndpoint, explainVerdict } from "./explain.ts";
import type { Happening } from "./happening.ts";
import type { HostSpec, PodSpec } from "./machines.ts";
import type { Manifest } from "./manifests.ts";
import { PolicySource } from "./policy-source.ts";
import type { Scenario } from "./scenario.ts";

/** A pod that runs, as its API object and as a machine. */
interface RunningPod {
  readonly ref: ObjectRef;
  readonly machine: Machine;
  /** S-40a: it has been seen without a group. */
  ranUnfiltered: boolean;
}

/** Everything of one scenario that is the same for every engine: the API, the operator, the machines' names and addresses. */
export class World {
  readonly #policy: PolicySource;
  readonly #addresses: AddressBook;
  readonly #hosts = new Map<string, Machine>();
  /** By `namespace/name`. */
  readonly #pods = new Map<string, RunningPod>();
  /** What was compiled last, which verdicts are explained by. */
  #compiled: CompiledState | undefined;

  constructor(scenario: Scenario) {
    this.#policy = new PolicySource(scenario.config);
    this.#addresses = new AddressBook(namedAddresses(scenario));
  }

  addHost(host: HostSpec): Machine {
    const machine: Machine = { kind: "host", name: host.name, addresses: host.addresses ?? this.#addresses.host() };
    this.#hosts.set(host.name, machine);
    return machine;
  }

  async addPod(pod: PodSpec): Promise<Machine> {
    const addresses = pod.addresses ?? this.#addresses.pod();
    const uid = await this.#policy.addPod(pod, addresses);
    const machine: Machine = { kind: "pod", name: pod.name, uid, addresses };
    const ref = { kind: "Pod", name: pod.name, namespace: pod.namespace } as const;
    this.#pods.set(`${pod.namespace}/${pod.name}`, { ref, machine, ranUnfiltered: false });
    return machine;
  }

  async removePod(name: string): Promise<Machine> {
    const [key, pod] = this.#podEntry(name);
    this.#pods.delete(key);
    await this.#policy.delete(pod.ref);
    return pod.machine;
  }

  async apply(manifests: readonly Manifest[]): Promise<void> {
    await this.applySources(manifests.map(({ source }) => source));
  }

  /** Creates or replaces objects as they were written, which `crds` has checked. */
  async applySources(sources: readonly unknown[]): Promise<void> {
    for (const source of sources) await this.#policy.apply(source as ApiObject);
  }

  /** Deletes an object; one that is in use stays until it no longer is, which nobody waits for (S-19). */
  async delete({ kind, name, namespace }: DeleteAction): Promise<void> {
    await this.#policy.delete(namespace === undefined ? { kind, name } : { kind, name, namespace });
  }

  /** What the operator makes of the objects now. */
  async compile(): Promise<CompiledState> {
    const state = await this.#policy.compile();
    this.#compiled = state;
    for (const endpoint of state.node.endpoints) {
      const pod = [...this.#pods.values()].find((candidate) => candidate.machine.uid === endpoint.pod.uid);
      if (pod !== undefined && endpoint.ruleSet === undefined && endpoint.closed === undefined)
        pod.ranUnfiltered = true;
    }
    return state;
  }

  /** Tells the operator what became of the state that was compiled last. */
  async report(statuses: readonly EndpointStatus[]): Promise<void> {
    if (this.#compiled !== undefined) await this.#policy.report(this.#compiled, statuses);
  }

  endpoints(): EndpointInput[] {
    return [...this.#pods.values()].map(({ machine, ranUnfiltered }) => ({ machine, adopt: ranUnfiltered }));
  }

  hosts(): Machine[] {
    return [...this.#hosts.values()];
  }

  pods(): Machine[] {
    return [...this.#pods.values()].map((pod) => pod.machine);
  }

  /** The machine that a step names; parsing has checked that there is one. */
  readonly find = (name: string): Machine => {
    if (name === nodeMachine.name) return nodeMachine;
    return this.#hosts.get(name) ?? this.#podEntry(name)[1].machine;
  };

  /** Why a step came to what it did, for an expectation that did not hold. */
  explain(happening: Happening): readonly string[] {
    const state = this.#compiled;
    if (state === undefined) return [];
    switch (happening.kind) {
      case "none":
        return [];
      case "pod":
        return explainEndpoint(state, happening.machine.uid ?? "");
      case "outcome": {
        const { sighting } = happening.outcome;
        if (sighting === undefined) return ["no endpoint saw a packet of it"];
        return explainVerdict(state, { ...sighting, packet: happening.packet });
      }
    }
  }

  /** Addresses that the remote of an expected connection stands for: a machine's, or itself. */
  readonly addressesOf = (remote: string): readonly string[] => {
    const named = remote === nodeMachine.name || this.#hosts.has(remote) || this.#keyOf(remote) !== undefined;
    return named ? this.find(remote).addresses : [remote];
  };

  #keyOf(name: string): string | undefined {
    if (this.#pods.has(name)) return name;
    return [...this.#pods.keys()].find((key) => key.endsWith(`/${name}`));
  }

  #podEntry(name: string): readonly [string, RunningPod] {
    const key = this.#keyOf(name);
    const pod = key === undefined ? undefined : this.#pods.get(key);
    if (key === undefined || pod === undefined) throw new Error(`no pod or host is called ${name}`);
    return [key, pod];
  }
}
