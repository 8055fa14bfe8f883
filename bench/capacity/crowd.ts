import { execFileSync } from "node:child_process";
import type { EndpointAttachment } from "../../datapath/agent/control.ts";
import type { CompiledState, GroupKey, Rule } from "../../semantics/policy.ts";
import { plainConfig } from "../../semantics/test/config.ts";
import { address } from "../packets.ts";
import { cidr } from "../policy.ts";

/** Pods of a full node, and the combinations of groups that they are in. */
export const podCount = 250;
const combinations = 10;
/** Rules of each combination. */
const rulesEach = 100;
const firstIndex = 1000;

const group = "bench/crowd" as GroupKey;

function uidOf(pod: number): string {
  return `crowd-${pod}`;
}

/** Makes the veth pairs of all pods in this network namespace. */
export function addInterfaces(): void {
  const commands = Array.from({ length: podCount }, (_, pod) => {
    const ifindex = firstIndex + pod;
    return `link add crowd${ifindex} index ${ifindex} type veth peer name pod${ifindex}\n`;
  });
  execFileSync("ip", ["-batch", "-"], { input: commands.join(""), stdio: ["pipe", "ignore", "inherit"] });
}

/** The pods as their node knows them. */
export const attachments: readonly EndpointAttachment[] = Array.from({ length: podCount }, (_, pod) => ({
  uid: uidOf(pod),
  ifindex: firstIndex + pod,
  addresses: [address(`198.18.0.${pod + 1}`), address(`2001:db8:1::${(pod + 1).toString(16)}`)],
  adopt: false,
}));

function rulesOf(combination: number, revision: number): Rule[] {
  return Array.from({ length: rulesEach }, (_, rule): Rule => {
    // The last rule is of the group that all combinations have, and that changes.
    const port = rule === rulesEach - 1 ? 20_000 + revision : 10_000 + combination * rulesEach + rule;
    return {
      direction: "ingress",
      service: { protocol: 6, ports: { from: port, to: port } },
      peer: { cidr: cidr(`203.0.${rule}.0/24`) },
      origin: { group, rule, peer: 0 },
    };
  });
}

/** What the operator would have written after so many changes of a group that all pods are in. */
export function stateAt(revision: number): CompiledState {
  const timeouts = { tcpEstablished: 432_000, udpStream: 180, udp: 60 };
  return {
    config: plainConfig,
    ruleSets: Array.from({ length: combinations }, (_, combination) => ({
      name: `crowd-${combination}`,
      revision: `${revision}`,
      groups: [group],
      rules: rulesOf(combination, revision),
    })),
    acls: [],
    addressSets: [],
    node: {
      node: "bench",
      endpoints: attachments.map(({ uid }, pod) => ({
        pod: { namespace: "bench", name: uid, uid },
        ruleSet: `crowd-${pod % combinations}`,
        allowances: { conntrackMax: 32_768, timeouts },
        trackedPorts: [],
      })),
    },
  };
}
