import { setTimeout as pause } from "node:timers/promises";
import type { Allowances, Cidr, CompiledState, Rule } from "../../semantics/policy.ts";
import { plainConfig } from "../../semantics/test/config.ts";
import { KernelEngine } from "../engine/kernel.ts";
import type { Machine } from "../engine/ports.ts";
import { ports, type TrafficReport } from "./ports.ts";
import { TrafficProcess } from "./traffic-process.ts";

/** What a run of kills came to. */
export interface KillReport extends TrafficReport {
  readonly kills: number;
}

const pod: Machine = machine("pod", "10.244.0.10");
const client: Machine = machine("host", "203.0.113.1");
const everybody = "203.0.113.0/24" as Cidr;
const allowances: Allowances = {
  conntrackMax: 10_000,
  timeouts: { tcpEstablished: 350, udpStream: 180, udp: 30 },
};
/** Longest wait before a kill, in milliseconds; programming takes less, so that kills fall before, into and after it. */
const latestKill = 120;
/** Each agent takes one of these: half of them find maps of another layout and move over what is in them. */
const tableSizes = [65_536, 32_768];
/** Share of restarts that are themselves cut short, and after how many milliseconds at the latest. */
const killedAtStart = 0.3;
const latestStart = 1500;

function machine(kind: "pod" | "host", address: string): Machine {
  const shared = { name: kind, addresses: [address as Machine["addresses"][number]] };
  return kind === "pod" ? { kind, uid: "pod", ...shared } : { kind, ...shared };
}

function stateWith(revision: string, permitted: readonly number[]): CompiledState {
  const rules = permitted.map(
    (port, rule): Rule => ({
      direction: "ingress",
      service: { protocol: 6, ports: { from: port, to: port } },
      peer: { cidr: everybody },
      origin: { group: "default/pod" as Rule["origin"]["group"], rule, peer: 0 },
    }),
  );
  return {
    config: plainConfig,
    ruleSets: [{ name: "pod", revision, groups: [], rules }],
    acls: [],
    addressSets: [],
    node: {
      node: "node",
      endpoints: [
        { pod: { namespace: "default", name: "pod", uid: "pod" }, ruleSet: "pod", allowances, trackedPorts: [] },
      ],
    },
  };
}

/** The two rule sets between which a rule change goes: the kept connection's own rule is in the first alone. */
const first = stateWith("first", [ports.kept, ports.open]);
const second = stateWith("second", [ports.open]);

/** Kills the agent at a random point of a rule change and starts it again, `kills` times, with traffic running. */
export async function runKills(
  kills: number,
  random: () => number,
  progress: (kill: number) => void,
): Promise<KillReport> {
  const engine = new KernelEngine({ clock: "running" });
  const processes: TrafficProcess[] = [];
  try {
    await engine.begin({ tableSize: 65_536 });
    for (const each of [pod, client]) await engine.addMachine(each);
    await engine.program(first, [{ machine: pod, adopt: false }]);
    const server = new TrafficProcess(engine.netns(pod), ["serve"]);
    processes.push(server);
    await server.ready();
    const asker = new TrafficProcess(engine.netns(client), ["ask", pod.addresses[0] ?? ""]);
    processes.push(asker);
    await asker.ready();
    for (let kill = 1; kill <= kills; kill++) {
      await killOnce(engine, kill % 2 === 0 ? first : second, random);
      progress(kill);
    }
    return { kills, ...(JSON.parse(await asker.finish()) as TrafficReport) };
  } finally {
    for (const each of processes) each.kill();
    await engine.stop();
  }
}

async function killOnce(engine: KernelEngine, state: CompiledState, random: () => number): Promise<void> {
  const change = engine.program(state, [{ machine: pod, adopt: false }]).catch(() => {});
  await pause(random() * latestKill);
  const restart = engine.restartAgent(tableSizes[Math.floor(random() * tableSizes.length)]);
  await change;
  if (random() < killedAtStart) await killAtStart(engine, random() * latestStart);
  // The agent that comes up may have been killed above; the next one takes over from it.
  await restart.catch(() => engine.restartAgent());
}

/** Kills the agent that is just starting. */
async function killAtStart(engine: KernelEngine, delay: number): Promise<void> {
  await pause(delay);
  if (engine.agentPid !== undefined) process.kill(engine.agentPid, "SIGKILL");
}
