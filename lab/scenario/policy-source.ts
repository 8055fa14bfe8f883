import type { NodePolicyStatus } from "../../crds/compiled.ts";
import { type OperatorConfig, parseConfig } from "../../operator/config.ts";
import { MemoryApi } from "../../operator/memory/api.ts";
import { type ApiObject, type ApiPort, describeRef, kinds, type ObjectRef, refOf } from "../../operator/ports.ts";
import { reconcile } from "../../operator/reconcile/reconcile.ts";
import { nodeState } from "../../operator/resolve/node-state.ts";
import type { Address, CompiledState } from "../../semantics/policy.ts";
import { nodeMachine } from "../engine/node.ts";
import type { ScenarioConfig } from "./config.ts";
import type { PodSpec } from "./machines.ts";
import { SteppingClock } from "./stepping-clock.ts";

const core = { apiVersion: kinds.Pod.apiVersion } as const;

function operatorConfig({ tableSize: _agents, ...config }: ScenarioConfig): OperatorConfig {
  return parseConfig(config);
}

/** A namespace is `default` where a manifest leaves it out, as with kubectl. */
function inNamespace<Ref extends Pick<ObjectRef, "kind" | "name" | "namespace">>(ref: Ref): Ref {
  return kinds[ref.kind].namespaced ? { ...ref, namespace: ref.namespace ?? "default" } : ref;
}

/** The API and the operator of one lab: objects go in, the policy of its one node comes out. */
export class PolicySource {
  readonly #clock = new SteppingClock();
  readonly #api: ApiPort;
  readonly #config: OperatorConfig;

  /** `api`: another API than one in memory that nobody else uses. */
  constructor(config: ScenarioConfig, api?: ApiPort) {
    this.#config = operatorConfig(config);
    this.#api = api ?? new MemoryApi(this.#clock);
  }

  /** Creates or replaces an object; its namespace is made if it is not there. Throws an `ApiError`. */
  async apply(written: ApiObject): Promise<void> {
    const { name, labels, annotations } = written.metadata;
    const { namespace } = inNamespace(refOf(written));
    const metadata = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
    };
    if (namespace !== undefined) await this.#ensure({ ...core, kind: "Namespace", metadata: { name: namespace } });
    await this.#api.apply(await this.#completed({ ...written, metadata }));
  }

  /** Deletes an object, or marks it where something holds it (S-19). Throws an `ApiError` where there is none. */
  async delete(ref: ObjectRef): Promise<void> {
    await this.#api.delete(inNamespace(ref));
  }

  /** Starts a pod on the lab's node. Returns its uid. */
  async addPod(pod: PodSpec, addresses: readonly Address[]): Promise<string> {
    const { name, namespace, labels, serviceAccount } = pod;
    await this.#ensure({ ...core, kind: "Namespace", metadata: { name: namespace } });
    await this.#ensure({ ...core, kind: "ServiceAccount", metadata: { name: serviceAccount, namespace } });
    const { metadata } = await this.#api.apply({
      ...core,
      kind: "Pod",
      metadata: { name, namespace, labels },
      spec: { nodeName: nodeMachine.name, serviceAccountName: serviceAccount, containers: [] },
    });
    const podIPs = addresses.map((ip) => ({ ip }));
    await this.#api.applyStatus({ kind: "Pod", name, namespace }, { phase: "Running", podIPs });
    return metadata.uid;
  }

  /** Runs the operator, as it would run in a cluster, and gives what it says to the node. */
  async compile(): Promise<CompiledState> {
    const { compiled } = await reconcile(this.#api, this.#config, this.#clock);
    return nodeState(compiled, nodeMachine.name);
  }

  /** Writes what the node's agent says, as its report is written in a cluster: after `state` was programmed. */
  async report(state: CompiledState, endpoints: NodePolicyStatus["endpoints"]): Promise<void> {
    const ref = { kind: "NodePolicy", name: nodeMachine.name } as const;
    const policy = await this.#api.get(ref);
    // A node without endpoints has no policy to report on.
    if (policy === undefined) return;
    const inForce = [...state.ruleSets, ...state.acls].map(({ name, revision }) => [name, revision]);
    const status: NodePolicyStatus = {
      observedGeneration: policy.metadata.generation,
      config: state.config.revision,
      revisions: Object.fromEntries(inForce),
      endpoints,
    };
    await this.#api.applyStatus(ref, status);
  }

  async #ensure(object: ApiObject): Promise<void> {
    if ((await this.#api.get(refOf(object))) === undefined) await this.#api.apply(await this.#completed(object));
  }

  /** What a cluster adds: a namespace's label with its name, a running pod's node. */
  async #completed(object: ApiObject): Promise<ApiObject> {
    const { kind, metadata } = object;
    if (kind === "Namespace") {
      const labels = { ...metadata.labels, "kubernetes.io/metadata.name": metadata.name };
      return { ...object, metadata: { ...metadata, labels } };
    }
    if (kind !== "Pod") return object;
    const running = await this.#api.get(refOf(object));
    if (running === undefined)
      throw new Error(`${describeRef(refOf(object))} does not run; start it with a pod step, then apply changes`);
    return { ...object, spec: { ...(object.spec as object), nodeName: nodeMachine.name } };
  }
}
