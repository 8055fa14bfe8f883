import type { EndpointPolicy, NodeConfig } from "../../semantics/policy.ts";
import type { CompiledObjects, Resolution } from "../resolve/resolution.ts";
import { same } from "../same.ts";
import type { NodeReport } from "../snapshot.ts";
import type { Finding } from "./condition.ts";
import { counted, enumerate } from "./listing.ts";

/** How far a node is with what it was told, for one endpoint or for itself. */
export type Progress =
  | { readonly state: "Programmed" }
  | { readonly state: "Pending"; readonly message: string }
  /** The node's agent has told nothing yet. */
  | { readonly state: "Unreported" };

/** Progress of one endpoint: with its rules and ACL, and with its allowances and tracked ports. */
export interface EndpointProgress {
  readonly filters: Progress;
  readonly allowances: Progress;
}

const programmed: Progress = { state: "Programmed" };
const unreported: Progress = { state: "Unreported" };
const pending = (message: string): Progress => ({ state: "Pending", message });
const outdated = pending("its node has an older revision in force");

/** Where a node stands, as its agent has told. */
export interface NodeStanding {
  /** Absent: it has told nothing yet. */
  readonly report?: NodeReport;
  /** What it says of each endpoint, by pod uid. */
  readonly endpoints: ReadonlyMap<string, NodeReport["endpoints"][number]>;
  /** It knows the NodePolicy as it should be. */
  readonly current: boolean;
}

/** Where a node stands that reports this. `written`: the API has its policy as it should be. */
export function nodeStanding(report: NodeReport | undefined, written: boolean): NodeStanding {
  if (report === undefined) return { endpoints: new Map(), current: false };
  const endpoints = new Map(report.endpoints.map((endpoint) => [endpoint.uid, endpoint]));
  return { report, endpoints, current: report.current && written };
}

/** By name, the revisions that the compiled rule sets and ACLs have. */
export type Revisions = Pick<ReadonlyMap<string, string>, "get">;

function revisionsOf({ ruleSets, acls }: Pick<CompiledObjects, "ruleSets" | "acls">): Revisions {
  return new Map([...ruleSets, ...acls].map(({ name, revision }) => [name, revision]));
}

function endpointState({ report, endpoints }: NodeStanding, uid: string): Progress {
  if (report === undefined) return unreported;
  const told = endpoints.get(uid);
  if (told === undefined) return pending("its node has not taken it up yet");
  return told.state === "Programmed" ? programmed : pending(told.message ?? "its node could not program it");
}

/** Progress of one endpoint. `refused`: why it does not have what its objects say. */
export function progressOf(
  { pod, ruleSet, acl }: EndpointPolicy,
  standing: NodeStanding,
  wanted: Revisions,
  refused: string | undefined,
): EndpointProgress {
  const state = endpointState(standing, pod.uid);
  const isOutdated = (name: string | undefined): boolean =>
    name !== undefined && standing.report?.revisions[name] !== wanted.get(name);
  const later = (waits: boolean): Progress => (state.state === "Programmed" && waits ? outdated : state);
  return {
    filters: refused === undefined ? later(isOutdated(ruleSet) || isOutdated(acl)) : pending(refused),
    allowances: later(!standing.current),
  };
}

/** Progress of every endpoint, by pod uid. */
export function endpointProgress({ snapshot, compiled, decisions }: Resolution): ReadonlyMap<string, EndpointProgress> {
  const wanted = revisionsOf(compiled);
  return new Map(
    compiled.nodePolicies.flatMap((policy) => {
      const { node, endpoints } = policy;
      const standing = nodeStanding(snapshot.reports.get(node), same(snapshot.existing.nodePolicies.get(node), policy));
      return endpoints.map((endpoint): [string, EndpointProgress] => {
        const { uid } = endpoint.pod;
        return [uid, progressOf(endpoint, standing, wanted, decisions.get(uid)?.refused)];
      });
    }),
  );
}

/** Progress of a node with the configuration that all nodes share. */
export function configProgressOf(node: string, report: NodeReport | undefined, { revision }: NodeConfig): Progress {
  if (report === undefined) return unreported;
  return report.config === revision ? programmed : pending(`node ${node} has an older revision in force`);
}

/** Progress of every node with the configuration. */
export function configProgress({ snapshot, compiled }: Resolution): readonly Progress[] {
  return compiled.nodePolicies.map(({ node }) => configProgressOf(node, snapshot.reports.get(node), compiled.config));
}

/** How many of them have it in force. */
export function programmedOf(all: readonly Progress[]): number {
  return all.filter(({ state }) => state === "Programmed").length;
}

/** The condition that sums up how far endpoints (or nodes) are. */
export function summarise(all: readonly Progress[], noun: "endpoint" | "node"): Finding {
  const type = "Programmed";
  const waiting = all.filter((one) => one.state === "Pending").map(({ message }) => message);
  const silent = all.filter(({ state }) => state === "Unreported").length;
  if (all.length === 0)
    return { type, status: "True", reason: "NoEndpoints", message: `there is no ${noun} to program` };
  if (waiting.length > 0) {
    const message = `${waiting.length} of ${counted(all.length, noun)} wait: ${enumerate([...new Set(waiting)].sort())}`;
    return { type, status: "False", reason: "Pending", message };
  }
  if (silent > 0) {
    const message = `the agents of ${silent} of ${counted(all.length, noun)} have not reported yet`;
    return { type, status: "Unknown", reason: "NoReport", message };
  }
  return { type, status: "True", reason: "Programmed", message: `in force at ${counted(all.length, noun)}` };
}
