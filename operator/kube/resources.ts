import { type CompiledKind, compiledPlurals } from "../../crds/compiled.ts";
import { type KindName, kinds as knownKinds } from "../../crds/kinds.ts";
import { securityGroupPolicyPlural } from "../eks/security-group-policy.ts";
import { type Kind, kinds, type ObjectRef } from "../ports.ts";

/** Plural name of each kind, as in the path of a request. */
const plurals: Readonly<Record<Kind, string>> = {
  ...(Object.fromEntries(Object.values(knownKinds).map(({ kind, plural }) => [kind, plural])) as Record<
    KindName,
    string
  >),
  ...(compiledPlurals satisfies Record<CompiledKind, string>),
  SecurityGroupPolicy: securityGroupPolicyPlural,
};

/** Where the objects of an API version are. */
const basePath = (apiVersion: string): string =>
  apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** Path of all objects of a kind, in every namespace. */
export function collectionPath(kind: Kind): string {
  return `${basePath(kinds[kind].apiVersion)}/${plurals[kind]}`;
}

/** Path of one object. */
export function objectPath({ kind, namespace, name }: ObjectRef): string {
  const place = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${basePath(kinds[kind].apiVersion)}${place}/${plurals[kind]}/${encodeURIComponent(name)}`;
}

/** API group and resource of a kind, as RBAC names them. */
export function resourceOf(kind: Kind): { readonly group: string; readonly resource: string } {
  const { apiVersion } = kinds[kind];
  return { group: apiVersion.includes("/") ? (apiVersion.split("/", 1)[0] ?? "") : "", resource: plurals[kind] };
}

/** Query string of the parameters that are given. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}
