import type { NodePolicyStatus, RuleSetSpec } from "../../crds/compiled.ts";
import type { EndpointPolicy, RuleSet } from "../../semantics/policy.ts";
import { type OperatorConfig, parseConfig } from "../config.ts";
import { MemoryApi, type Write } from "../memory/api.ts";
import { type Clock, type Kind, kinds, type ObjectRef, refOf, type StoredObject, type UserKind } from "../ports.ts";
import { reconcile } from "../reconcile/reconcile.ts";
import type { Resolution } from "../resolve/resolution.ts";

/** A clock that is a second later at each reading, so that what is made first is older. */
export class SteppingClock implements Clock {
  #seconds = 0;

  now(): string {
    this.#seconds += 1;
    return new Date(this.#seconds * 1000).toISOString().replace(".000Z", "Z");
  }
}

/** What a test says about a pod. */
export interface TestPod {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Absent: `n1`; null: not scheduled yet. */
  readonly node?: string | null;
  readonly addresses?: readonly string[];
  readonly serviceAccount?: string;
  readonly hostNetwork?: boolean;
  readonly phase?: string;
  readonly conditions?: readonly object[];
  readonly ports?: readonly object[];
}

interface Place {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A cluster of the API in memory and the operator. Namespaced objects are in `default` unless said. */
export class Cluster {
  readonly api: MemoryApi;
  readonly #clock = new SteppingClock();
  readonly #config: OperatorConfig;

  constructor(config: object = {}) {
    this.api = new MemoryApi(this.#clock);
    this.#config = parseConfig(config);
  }

  ref(kind: Kind, name: string, namespace = "default"): ObjectRef {
    return kinds[kind].namespaced ? { kind, name, namespace } : { kind, name };
  }

  async put(kind: Kind, name: string, spec: object, place: Place = {}, fields: object = {}): Promise<StoredObject> {
    const { namespace, ...rest } = place;
    const { kind: _kind, ...named } = this.ref(kind, name, namespace);
    return this.api.apply({
      apiVersion: kinds[kind].apiVersion,
      kind,
      metadata: { ...named, ...rest },
      spec,
      ...fields,
    });
  }

  async group(name: string, spec: object, place: Place = {}): Promise<StoredObject> {
    return this.put("SecurityGroup", name, { podSelector: { matchLabels: { [name]: "" } }, ...spec }, place);
  }

  /** Creates a pod or replaces it; labels are given as names with empty values by `labels: { web: "" }`. */
  async pod(name: string, pod: TestPod = {}): Promise<StoredObject> {
    const { namespace = "default", labels = {}, node = "n1", addresses = [], phase = "Running" } = pod;
    const spec = {
      ...(node === null ? {} : { nodeName: node }),
      serviceAccountName: pod.serviceAccount ?? "default",
      hostNetwork: pod.hostNetwork ?? false,
      containers: [{ name: "main", ports: pod.ports ?? [] }],
    };
    const stored = await this.put("Pod", name, spec, { namespace, labels });
    const podIPs = addresses.map((ip) => ({ ip }));
    await this.api.applyStatus(refOf(stored), { phase, podIPs, conditions: pod.conditions ?? [] });
    return stored;
  }

  async remove(kind: Kind, name: string, namespace?: string): Promise<void> {
    await this.api.delete(this.ref(kind, name, namespace));
  }

  async reconcile(): Promise<Resolution> {
    return reconcile(this.api, this.#config, this.#clock);
  }

  /** What reconciling writes to objects of these kinds. */
  async writes(of: readonly Kind[]): Promise<readonly Write[]> {
    const before = this.api.writes.length;
    await this.reconcile();
    return this.api.writes.slice(before).filter(({ ref }) => of.includes(ref.kind));
  }

  /** The policy of one pod, wherever it runs. */
  async endpoint(name: string, namespace = "default"): Promise<EndpointPolicy | undefined> {
    const { compiled } = await this.reconcile();
    return compiled.nodePolicies
      .flatMap(({ endpoints }) => endpoints)
      .find(({ pod }) => pod.name === name && pod.namespace === namespace);
  }

  /** The rules of one pod, as the API has them. */
  async ruleSet(pod: string, namespace = "default"): Promise<RuleSet | undefined> {
    const name = (await this.endpoint(pod, namespace))?.ruleSet;
    if (name === undefined) return undefined;
    const spec = (await this.api.get({ kind: "RuleSet", name }))?.spec as RuleSetSpec | undefined;
    return spec?.content === "groups" ? spec.groups : undefined;
  }

  async status<T>(kind: UserKind, name: string, namespace?: string): Promise<T> {
    const stored = await this.api.get(this.ref(kind, name, namespace));
    return stored?.status as T;
  }

  /** Reports everything of a node as programmed, as its agent would, but for endpoints with a message. */
  async report(node: string, messages: Readonly<Record<string, string>> = {}): Promise<void> {
    const { compiled } = await this.reconcile();
    const ref = { kind: "NodePolicy", name: node } as const;
    const policy = compiled.nodePolicies.find((one) => one.node === node);
    const status: NodePolicyStatus = {
      observedGeneration: (await this.api.get(ref))?.metadata.generation ?? 0,
      config: compiled.config.revision,
      revisions: Object.fromEntries([...compiled.ruleSets, ...compiled.acls].map((one) => [one.name, one.revision])),
      endpoints: (policy?.endpoints ?? []).map(({ pod }) => {
        const message = messages[pod.name];
        return {
          uid: pod.uid,
          ...(message === undefined ? { state: "Programmed" } : { state: "NotProgrammed", message }),
        };
      }),
    };
    await this.api.applyStatus(ref, status);
    await this.reconcile();
  }
}

/** A rule that lets tcp to some ports in from some peers. */
export const tcp = (ports: string, ...from: readonly object[]): object => ({ protocol: "tcp", ports, from });

/** Peers as rules write them. */
export const cidr = (text: string): object => ({ cidr: text });
export const member = (name: string, namespace?: string): object => ({
  securityGroup: namespace === undefined ? { name } : { name, namespace },
});
export const list = (name: string): object => ({ prefixList: name });
