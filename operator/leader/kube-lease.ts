import type { KubeClient } from "../kube/client.ts";
import { KubeFailure } from "../kube/failure.ts";
import { fieldManager } from "../kube/identity.ts";
import { query } from "../kube/resources.ts";
import type { LeasePort, LeaseRecord, StoredLease } from "./lease.ts";

interface Lease {
  readonly metadata: { readonly resourceVersion: string };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** Longest time for a request about the lease, milliseconds: shorter than the lease, so that a retry is worth it. */
const idleMilliseconds = 5000;

/** A lease at a real API server. */
export class KubeLease implements LeasePort {
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #name: string;

  constructor(client: KubeClient, namespace: string, name: string) {
    this.#client = client;
    this.#namespace = namespace;
    this.#name = name;
  }

  async read(): Promise<StoredLease | undefined> {
    try {
      const { metadata, spec = {} } = (await this.#client.request("GET", `${this.#collection()}/${this.#name}`, {
        idleMilliseconds,
      })) as Lease;
      return {
        holder: spec.holderIdentity ?? "",
        durationSeconds: spec.leaseDurationSeconds ?? 0,
        acquireTime: spec.acquireTime ?? "",
        renewTime: spec.renewTime ?? "",
        transitions: spec.leaseTransitions ?? 0,
        resourceVersion: metadata.resourceVersion,
      };
    } catch (error) {
      if (error instanceof KubeFailure && error.status === 404) return undefined;
      throw error;
    }
  }

  async write(record: LeaseRecord, resourceVersion: string | undefined): Promise<boolean> {
    const exists = resourceVersion !== undefined;
    const body = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: this.#name, namespace: this.#namespace, ...(exists ? { resourceVersion } : {}) },
      spec: {
        holderIdentity: record.holder,
        leaseDurationSeconds: record.durationSeconds,
        acquireTime: record.acquireTime,
        renewTime: record.renewTime,
        leaseTransitions: record.transitions,
      },
    };
    const path = `${this.#collection()}${exists ? `/${this.#name}` : ""}${query({ fieldManager })}`;
    try {
      await this.#client.request(exists ? "PUT" : "POST", path, { body, idleMilliseconds });
      return true;
    } catch (error) {
      if (error instanceof KubeFailure && error.status === 409) return false;
      throw error;
    }
  }

  #collection(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#namespace}/leases`;
  }
}
