import { explainIssues } from "../../crds/issue.ts";
import { type KnownObject, kinds, type UserObject as ParsedObject } from "../../crds/kinds.ts";
import { groupKey } from "../../crds/peer.ts";
import { fieldOf, valueAt } from "../../crds/problem.ts";
import { selector } from "../../crds/selector.ts";
import { groupIdAnnotation } from "../eks/security-group-policy.ts";
import { forceDeleteAnnotation, inUseFinalizer } from "../finalizer.ts";
import { refOf, type StoredObject, type UserKind } from "../ports.ts";
import type { AclObject, GroupObject, GroupSelectors, UserObject } from "../snapshot.ts";

type ParsedOf<Kind extends UserKind> = Extract<ParsedObject, { kind: Kind }>;

/** One object of a kind, parsed, or why it can't be. */
function parse<Kind extends KnownObject["kind"]>(kind: Kind, stored: StoredObject) {
  const { schema } = kinds[kind];
  const parsed = schema.safeParse(stored);
  if (parsed.success) return { object: parsed.data as unknown as Extract<KnownObject, { kind: Kind }>, problems: [] };
  const problems = explainIssues(schema, stored, parsed.error.issues).map(
    ({ path, message, remedy }) => `${fieldOf(path)}: ${message}; ${remedy}`,
  );
  return { problems };
}

/** A core object, parsed; undefined for one that can't be understood, which is then as good as absent. */
export function parseCore<Kind extends KnownObject["kind"]>(kind: Kind, stored: StoredObject) {
  return parse(kind, stored).object;
}

/** A user object with what the API server says about it. */
export function userObject<Kind extends UserKind>(
  kind: Kind,
  stored: StoredObject,
): UserObject<ParsedOf<Kind>["spec"]> {
  const { object, problems } = parse(kind, stored);
  const { metadata } = stored;
  const force = metadata.annotations?.[forceDeleteAnnotation];
  return {
    ref: refOf(stored),
    uid: metadata.uid,
    generation: metadata.generation,
    createdAt: metadata.creationTimestamp,
    deleting: metadata.deletionTimestamp !== undefined,
    forced: force !== undefined && force !== "false",
    finalized: metadata.finalizers?.includes(inUseFinalizer) ?? false,
    status: stored.status,
    ...(object === undefined ? {} : { spec: (object as { spec: ParsedOf<Kind>["spec"] }).spec }),
    problems,
  };
}

/** The selectors of a group that is invalid elsewhere: its endpoints must not be left as if it were not there. */
function selectorsOf(stored: StoredObject): GroupSelectors {
  const read = (field: string) => {
    const written = valueAt(stored, ["spec", field]);
    return written === undefined ? undefined : selector.safeParse(written).data;
  };
  return { podSelector: read("podSelector"), serviceAccountSelector: read("serviceAccountSelector") };
}

export function groupObject(stored: StoredObject): GroupObject {
  const object = userObject("SecurityGroup", stored);
  const namespace = stored.metadata.namespace ?? "default";
  const ec2Id = stored.metadata.annotations?.[groupIdAnnotation];
  return {
    ...object,
    namespace,
    ...(ec2Id === undefined ? {} : { ec2Id }),
    key: groupKey(namespace, stored.metadata.name),
    selectors: object.spec ?? selectorsOf(stored),
  };
}

export function aclObject(stored: StoredObject): AclObject {
  return { ...userObject("NetworkACL", stored), namespace: stored.metadata.namespace ?? "default" };
}
