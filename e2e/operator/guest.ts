import { setTimeout as sleep } from "node:timers/promises";
import { definitions } from "../../crds/definition/definition.ts";
import { collectionPath, objectPath } from "../../operator/kube/resources.ts";
import { type Kind, refOf, type StoredObject } from "../../operator/ports.ts";
import type { Connection } from "../cluster/connection.ts";
import { ClusterProblem } from "../cluster/problem.ts";

const pollMilliseconds = 100;

const ourKinds: readonly Kind[] = [
  "SecurityGroup",
  "PrefixList",
  "NetworkACL",
  "AllowanceProfile",
  "TrackingPolicy",
  "RuleSet",
  "AddressSet",
  "NodePolicy",
  "NodeConfig",
];

const definitionPaths = definitions().map(
  ({ metadata }) => `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`,
);

/** Objects of our kinds; none where the kinds are not installed. */
async function ourObjects(admin: Connection): Promise<readonly StoredObject[]> {
  const lists = await Promise.all(
    ourKinds.map(async (kind) => {
      const { body } = await admin.send("GET", collectionPath(kind));
      const { items = [] } = body as { readonly items?: readonly StoredObject[] };
      return items.map((item): StoredObject => ({ ...item, kind }));
    }),
  );
  return lists.flat();
}

/** Tests in a cluster that somebody goes on using. */
export class Guest {
  readonly #admin: Connection;
  /** Definitions that were not there. */
  readonly #broughtAlong: readonly string[];
  readonly #made: string[] = [];

  private constructor(admin: Connection, broughtAlong: readonly string[]) {
    this.#admin = admin;
    this.#broughtAlong = broughtAlong;
  }

  /** Throws a `ClusterProblem` where Sallyport is in use: its objects would be taken for the tests' own. */
  static async arrive(admin: Connection): Promise<Guest> {
    const [found] = await ourObjects(admin);
    if (found !== undefined)
      throw new ClusterProblem(
        `the cluster of KUBECONFIG has objects of Sallyport, as ${found.kind} ${found.metadata.name}`,
        "name another cluster, or unset KUBECONFIG for one of the tests' own",
      );
    const answers = await Promise.all(definitionPaths.map((path) => admin.send("GET", path)));
    return new Guest(
      admin,
      definitionPaths.filter((_path, index) => answers[index]?.status === 404),
    );
  }

  /** Notes the path of an object that must not stay. */
  made(path: string): void {
    this.#made.push(path);
  }

  /** Removes everything that was made, until it is gone. */
  async leave(): Promise<void> {
    for (const object of await ourObjects(this.#admin)) {
      const path = objectPath(refOf(object));
      await this.#admin.send("PATCH", path, { metadata: { finalizers: [] } }, "application/merge-patch+json");
      await this.#admin.send("DELETE", path);
    }
    const paths = [...this.#made.reverse(), ...this.#broughtAlong];
    for (const path of paths) await this.#admin.send("DELETE", path, { gracePeriodSeconds: 0 });
    for (const path of paths)
      while ((await this.#admin.send("GET", path)).status !== 404) await sleep(pollMilliseconds);
  }
}
