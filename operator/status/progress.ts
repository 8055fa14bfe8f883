import type { NodeConfig } from "../../semantics/policy.ts";
import type { Resolution } from "../resolve/resolution.ts";
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
const pending = (message: string): Progress => ({ state: "Pending", message });

/** Revisions that the compiled rule sets and ACLs have, by name. */
function wantedRevisions({ compiled }: Resolution): ReadonlyMap<string, string> {
  return new Map([...compiled.ruleSets, ...compiled.acls].map(({ name, revision }) => [name, revision]));
}

function endpointState(report: NodeReport, uid: string): Progress {
  const told = report.endpoints.find((endpoint) => endpoint.uid === uid);
  if (told === undefined) return pending("its node has not taken it up yet");
  return told.state === "Programmed" ? programmed : pending(told.message ?? "its node could not program it");
}

/** Progress of every endpoint, by pod uid. */
export function endpointProgress(resolution: Resolution): ReadonlyMap<string, EndpointProgress> {
  const { snapshot, compiled, decisions } = resolution;
  const wanted = wantedRevisions(resolution);
  const progress = new Map<string, EndpointProgress>();
  for (const policy of compiled.nodePolicies) {
    const report = snapshot.reports.get(policy.node);
    const current = report?.current === true && same(snapshot.existing.nodePolicies.get(policy.node), policy);
    for (const { pod, ruleSet, acl } of policy.endpoints) {
      const state = report === undefined ? ({ state: "Unreported" } as const) : endpointState(report, pod.uid);
      const outdated = [ruleSet, acl].some(
        (name) => name !== undefined && report?.revisions[name] !== wanted.get(name),
      );
      const refused = decisions.get(pod.uid)?.refused;
      const later = (waits: boolean): Progress =>
        state.state === "Programmed" && waits ? pending("its node has an older revision in force") : state;
      progress.set(pod.uid, {
        filters: refused === undefined ? later(outdated) : pending(refused),
        allowances: later(!current),
      });
    }
  }
  return progress;
}

/** Progress of every node with the configuration that all nodes share. */
export function configProgress({ snapshot, compiled }: Resolution, config: NodeConfig): readonly Progress[] {
  return compiled.nodePolicies.map(({ node }): Progress => {
    const report = snapshot.reports.get(node);
    if (report === undefined) return { state: "Unreported" };
    return report.config === config.revision ? programmed : pending(`node ${node} has an older revision in force`);
  });
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
