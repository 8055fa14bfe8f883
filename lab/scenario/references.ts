import type { ConnectAction } from "./actions.ts";
import type { Path } from "./document.ts";
import { type Finding, instead } from "./problems.ts";
import type { Scenario, Step } from "./scenario.ts";

/** The names that steps may use at one point of a scenario. */
interface Names {
  readonly pods: Map<string, number>;
  readonly hosts: Set<string>;
  readonly conversations: Set<string>;
}

const stepPath = (step: Step): Path => ["spec", "steps", step.number - 1];

function known(names: Names): string[] {
  return ["node", ...names.hosts, ...names.pods.keys()];
}

/** Pods go by name, and by `namespace/name`; a bare name that several pods have is ambiguous. */
function podKeys(pod: { name: string; namespace: string }): string[] {
  return [pod.name, `${pod.namespace}/${pod.name}`];
}

function checkMachine(name: string, path: Path, names: Names, findings: Finding[], podsOnly = false): void {
  const pods = names.pods.get(name) ?? 0;
  if (pods === 1 || (!podsOnly && (name === "node" || names.hosts.has(name)))) return;
  if (pods > 1) {
    findings.push({ path, message: "is the name of several pods", remedy: `write namespace/${name}` });
    return;
  }
  const candidates = podsOnly ? [...names.pods.keys()] : known(names);
  findings.push({
    path,
    message: podsOnly ? "is no pod that runs here" : "is no pod or host that runs here",
    remedy: instead(name, candidates),
  });
}

function addPod(pod: { name: string; namespace: string }, path: Path, names: Names, findings: Finding[]): void {
  const [bare = "", full = ""] = podKeys(pod);
  if (names.pods.has(full) || names.hosts.has(bare)) {
    findings.push({ path: [...path, "name"], message: "is taken", remedy: "give each pod and host a name of its own" });
    return;
  }
  for (const key of [bare, full]) names.pods.set(key, (names.pods.get(key) ?? 0) + 1);
}

function removePod(name: string, names: Names): void {
  const full = name.includes("/") ? name : [...names.pods.keys()].find((key) => key.endsWith(`/${name}`));
  if (full === undefined) return;
  const bare = full.slice(full.indexOf("/") + 1);
  names.pods.delete(full);
  const left = (names.pods.get(bare) ?? 1) - 1;
  if (left === 0) names.pods.delete(bare);
  else names.pods.set(bare, left);
}

function checkConversation(name: string, path: Path, names: Names, findings: Finding[]): void {
  if (names.conversations.has(name)) return;
  findings.push({ path, message: "is no open connection", remedy: instead(name, [...names.conversations]) });
}

function checkEnds(ends: { from: string; to: string }, path: Path, names: Names, findings: Finding[]): void {
  checkMachine(ends.from, [...path, "from"], names, findings);
  checkMachine(ends.to, [...path, "to"], names, findings);
}

function checkConnect(connect: ConnectAction, path: Path, names: Names, findings: Finding[]): void {
  checkEnds(connect, path, names, findings);
  if (names.conversations.has(connect.name)) {
    findings.push({
      path: [...path, "name"],
      message: "is the name of an open connection",
      remedy: "close that one first, or choose another name",
    });
  }
  names.conversations.add(connect.name);
}

function checkStep(step: Step, names: Names, findings: Finding[]): void {
  const path = [...stepPath(step), step.action.kind];
  const { action } = step;
  if ("expect" in action && action.expect !== undefined && "at" in action.expect && action.expect.at !== undefined) {
    checkMachine(action.expect.at, [...stepPath(step), "expect", "at"], names, findings, true);
  }
  switch (action.kind) {
    case "pod":
      addPod(action.pod, path, names, findings);
      break;
    case "removePod":
      checkMachine(action.pod, path, names, findings, true);
      removePod(action.pod, names);
      break;
    case "packet":
      checkEnds(action.packet, path, names, findings);
      if (action.packet.quoting !== undefined) checkEnds(action.packet.quoting, [...path, "quoting"], names, findings);
      break;
    case "flood":
      checkEnds(action.flood, path, names, findings);
      break;
    case "connect":
      checkConnect(action.connect, path, names, findings);
      break;
    case "exchange":
      checkConversation(action.exchange.name, [...path, "name"], names, findings);
      break;
    case "close":
      checkConversation(action.close.name, [...path, "name"], names, findings);
      names.conversations.delete(action.close.name);
      break;
    case "expect":
      checkMachine(action.expect.pod, [...path, "pod"], names, findings, true);
      break;
    case "apply":
    case "delete":
    case "advance":
    case "restartAgent":
      break;
  }
}

/** Checks that every name in a scenario stands for something that is there when its step comes. */
export function checkReferences(scenario: Scenario): Finding[] {
  const findings: Finding[] = [];
  const names: Names = { pods: new Map(), hosts: new Set(), conversations: new Set() };
  for (const [index, host] of scenario.hosts.entries()) {
    if (names.hosts.has(host.name)) {
      findings.push({
        path: ["spec", "hosts", index, "name"],
        message: "is taken",
        remedy: "give each pod and host a name of its own",
      });
    }
    names.hosts.add(host.name);
  }
  for (const [index, pod] of scenario.pods.entries()) addPod(pod, ["spec", "pods", index], names, findings);
  for (const step of scenario.steps) checkStep(step, names, findings);
  return findings;
}
