import { type Kind, kinds, type StoredObject } from "../ports.ts";

type Tree = Readonly<Record<string, unknown>>;

const treeOf = (value: unknown): Tree => (typeof value === "object" && value !== null ? (value as Tree) : {});
const listOf = (value: unknown): readonly Tree[] => (Array.isArray(value) ? (value as Tree[]) : []);

/** The fields of these names that are there. */
function only(tree: Tree, names: readonly string[]): Tree {
  const kept: Record<string, unknown> = {};
  for (const name of names) if (tree[name] !== undefined) kept[name] = tree[name];
  return kept;
}

const usualMetadata = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp", "labels"] as const;

/** Whether an annotation can mean something to the operator. */
const isOurs = (key: string): boolean => key.startsWith("sallyport.dev/");

function ownAnnotations(written: unknown): Tree {
  const kept = Object.entries(treeOf(written)).filter(([key]) => isOurs(key));
  return kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) };
}

/** Metadata of an object that users write or that we write: what `managedFields` and other annotations hold is left out. */
function metadataOfOurs(metadata: Tree): Tree {
  const names = [...usualMetadata, "generation", "deletionTimestamp", "finalizers"];
  return { ...only(metadata, names), ...ownAnnotations(metadata["annotations"]) };
}

function containerOf(container: Tree): Tree {
  const ports = listOf(container["ports"]).map((port) => only(port, ["name", "containerPort", "protocol"]));
  return { name: container["name"], ...(ports.length > 0 ? { ports } : {}) };
}

function podOf({ spec: writtenSpec, status: writtenStatus }: Tree): Tree {
  const spec = treeOf(writtenSpec);
  const status = treeOf(writtenStatus);
  const containers = listOf(spec["containers"]).map(containerOf);
  const conditions = listOf(status["conditions"])
    .filter(({ type }) => type === "PodReadyToStartContainers")
    .map((condition) => only(condition, ["type", "status"]));
  return {
    spec: { ...only(spec, ["nodeName", "serviceAccountName", "hostNetwork"]), containers },
    status: { ...only(status, ["phase", "podIPs"]), ...(conditions.length > 0 ? { conditions } : {}) },
  };
}

function endpointSliceOf(slice: Tree): Tree {
  const endpoints = listOf(slice["endpoints"]).map((endpoint) => ({
    addresses: endpoint["addresses"],
    ...(endpoint["targetRef"] === undefined ? {} : { targetRef: only(treeOf(endpoint["targetRef"]), ["kind", "uid"]) }),
  }));
  return { addressType: slice["addressType"], endpoints, ports: slice["ports"] };
}

/** What of each kind's content is read. */
const contents: Readonly<Partial<Record<Kind, (object: Tree) => Tree>>> = {
  Pod: podOf,
  Namespace: () => ({}),
  ServiceAccount: () => ({}),
  Service: ({ spec }) => ({
    spec: only(treeOf(spec), ["type", "selector", "clusterIP", "clusterIPs", "ports"]),
  }),
  EndpointSlice: endpointSliceOf,
  SecurityGroupPolicy: ({ spec }) => ({ spec }),
};

/** An object as the API server sent it, without what is not read here. */
export function trim(kind: Kind, sent: unknown): StoredObject {
  const object = treeOf(sent);
  const metadata = treeOf(object["metadata"]);
  const content = contents[kind];
  const { apiVersion } = kinds[kind];
  const trimmed =
    content === undefined
      ? { metadata: metadataOfOurs(metadata), ...only(object, ["spec", "status"]) }
      : { metadata: { ...only(metadata, usualMetadata), generation: 0 }, ...content(object) };
  return { apiVersion, kind, ...trimmed } as unknown as StoredObject;
}
