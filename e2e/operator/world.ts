import { setTimeout as sleep } from "node:timers/promises";
import { collectionPath, objectPath } from "../../operator/kube/resources.ts";
import { type ApiObject, type Kind, kinds, type ObjectRef, refOf, type StoredObject } from "../../operator/ports.ts";
import { type Manifest, rbacManifests } from "../../operator/rbac/manifests.ts";
import { operatorName, systemNamespace } from "../../operator/rbac/rules.ts";
import type { AuditEvent } from "../cluster/audit.ts";
import { type Connection, connect } from "../cluster/connection.ts";
import {
  type Cluster,
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "../cluster/controlplane.ts";
import { serviceAccountUser } from "../cluster/kubeconfig.ts";
import { openCluster } from "../cluster/usercluster.ts";
import { applyDefinitions } from "../crds/server.ts";
import { Guest } from "./guest.ts";

const pollMilliseconds = 25;
const patienceMilliseconds = 60_000;

/** The operator, as RBAC and the audit log know it. */
export const operatorUser = serviceAccountUser(systemNamespace, operatorName);

/** What a test says about a pod. */
export interface TestPod {
  readonly labels?: Readonly<Record<string, string>>;
  readonly node?: string;
  readonly namespace?: string;
  readonly hostNetwork?: boolean;
}

/** A cluster, the user's or our own, with our definitions and rights, and hands to change what is in it. */
export class ClusterWorld {
  readonly cluster: Cluster;
  readonly operatorKubeconfig: string;
  readonly #admin: Connection;
  #guest: Guest | undefined;

  protected constructor(cluster: Cluster, operatorKubeconfig: string) {
    this.cluster = cluster;
    this.operatorKubeconfig = operatorKubeconfig;
    this.#admin = connect(cluster.kubeconfig);
  }

  /** In the cluster of `KUBECONFIG`, else in a control plane of our own. */
  static async open(): Promise<ClusterWorld> {
    const cluster = await openCluster();
    const world = new ClusterWorld(cluster, await cluster.kubeconfigFor(operatorUser));
    await world.furnish();
    return world;
  }

  /** Installs what the operator needs, and two nodes. Ends the world when that fails. */
  protected async furnish(): Promise<void> {
    try {
      if (this.cluster.lasting) this.#guest = await Guest.arrive(this.#admin);
      await applyDefinitions(this.cluster.kubeconfig);
      await this.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: systemNamespace } });
      for (const manifests of rbacManifests().values()) for (const one of manifests) await this.create(one);
      for (const node of ["n1", "n2"]) await this.create({ apiVersion: "v1", kind: "Node", metadata: { name: node } });
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends it. A cluster of the user is left as it was found. */
  async stop(): Promise<void> {
    await this.#guest?.leave();
    this.#admin.close();
    await this.cluster.stop();
  }

  /**
   * A request in the name of the administrator; an answer that is no success fails the test. A kind that was just
   * installed is served a moment later only: the server then says 429.
   */
  async ask(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown> {
    for (;;) {
      const answer = await this.#admin.send(method, path, body, contentType);
      if (answer.status < 300) return answer.body;
      if (answer.status !== 429) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      await sleep(pollMilliseconds);
    }
  }

  /** Creates any object. */
  async create(manifest: Manifest): Promise<void> {
    const collection = anyCollection(manifest);
    await this.ask("POST", collection, manifest);
    this.#guest?.made(`${collection}/${manifest.metadata.name}`);
  }

  /** Creates or changes an object of a kind that the operator knows; namespaced ones are in `default`. */
  async put(kind: Kind, name: string, spec: object, metadata: object = {}): Promise<void> {
    const ref = refTo(kind, name);
    const { kind: _kind, ...place } = ref;
    await this.apply({ apiVersion: kinds[kind].apiVersion, kind, metadata: { ...place, ...metadata }, spec });
  }

  /** Creates or changes an object of a kind that the operator knows, with all of its content. */
  async apply(object: ApiObject): Promise<void> {
    const query = "?fieldManager=test&force=true&fieldValidation=Strict";
    await this.ask("PATCH", `${objectPath(refOf(object))}${query}`, object, "application/apply-patch+yaml");
  }

  /** A group that selects the pods labelled with its name. */
  async group(name: string, spec: object, metadata: object = {}): Promise<void> {
    await this.put("SecurityGroup", name, { podSelector: { matchLabels: { [name]: "" } }, ...spec }, metadata);
  }

  /** Creates a pod. There is no kubelet: it stays pending until `address` gives it one. */
  async pod(name: string, pod: TestPod = {}): Promise<void> {
    const { labels = {}, node = "n1", namespace = "default", hostNetwork = false } = pod;
    await this.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace, ...{ labels } },
      spec: {
        nodeName: node,
        hostNetwork,
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "main", image: "none" }],
      },
    });
  }

  /** What a kubelet says once the pod runs. */
  async address(name: string, ...addresses: readonly string[]): Promise<void> {
    const status = { phase: "Running", podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) };
    await this.patch({ ...refTo("Pod", name) }, { status }, "/status");
  }

  async relabel(name: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.patch(refTo("Pod", name), { metadata: { labels } });
  }

  async patch(ref: ObjectRef, body: object, subresource = ""): Promise<void> {
    await this.ask("PATCH", `${objectPath(ref)}${subresource}`, body, "application/merge-patch+json");
  }

  async remove(kind: Kind, name: string): Promise<void> {
    await this.ask("DELETE", objectPath(refTo(kind, name)), { gracePeriodSeconds: 0 });
  }

  async list(kind: Kind): Promise<readonly StoredObject[]> {
    return ((await this.ask("GET", collectionPath(kind))) as { items: readonly StoredObject[] }).items;
  }

  async get(kind: Kind, name: string): Promise<StoredObject | undefined> {
    const answer = await this.#admin.send("GET", objectPath(refTo(kind, name)));
    return answer.status === 404 ? undefined : (answer.body as StoredObject);
  }
}

/** A world on a control plane of our own, whose parts can be ended and whose audit log can be read. */
export class World extends ClusterWorld {
  readonly plane: ControlPlane;

  private constructor(plane: ControlPlane, operatorKubeconfig: string) {
    super(plane, operatorKubeconfig);
    this.plane = plane;
  }

  static async start(options: ControlPlaneOptions = {}): Promise<World> {
    const plane = await startControlPlane(options);
    const world = new World(plane, await plane.kubeconfigFor(operatorUser));
    await world.furnish();
    return world;
  }

  /** The requests that are logged from now on. */
  auditFromNow(): () => readonly AuditEvent[] {
    const before = this.plane.auditEvents().length;
    return () => this.plane.auditEvents().slice(before);
  }
}

/** The ref of an object in `default`, or of a cluster-scoped one. */
export function refTo(kind: Kind, name: string): ObjectRef {
  return kinds[kind].namespaced ? { kind, name, namespace: "default" } : { kind, name };
}

/** The collection of an object of any kind. Plurals are regular here. */
function anyCollection({ apiVersion, kind, metadata }: Manifest): string {
  const base = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  const lower = kind.toLowerCase();
  return `${base}${place}/${lower.endsWith("y") ? `${lower.slice(0, -1)}ies` : `${lower}s`}`;
}

/** Until `check` passes; its last failure when it does not. */
export async function eventually<T>(check: () => Promise<T> | T): Promise<T> {
  const deadline = performance.now() + patienceMilliseconds;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(pollMilliseconds);
  }
}

const writingVerbs: ReadonlySet<string> = new Set(["create", "update", "patch", "delete"]);

/** Writes of a user that were accepted, in short: `patch nodepolicies n1`; to objects of one API group. */
export function writesIn(events: readonly AuditEvent[], group: string, user = operatorUser.name): readonly string[] {
  return events
    .filter(({ stage, verb, objectRef, responseStatus }) => {
      const succeeded = stage === "ResponseComplete" && (responseStatus?.code ?? 500) < 300;
      return succeeded && writingVerbs.has(verb) && objectRef?.apiGroup === group;
    })
    .filter((event) => event.user.username === user)
    .map(({ verb, objectRef = {} }) =>
      [verb, [objectRef.resource, objectRef.subresource].filter(Boolean).join("/"), objectRef.name].join(" "),
    );
}
