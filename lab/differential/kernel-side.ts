import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Agent } from "../../datapath/agent/agent.ts";
import { ticksOf } from "../../datapath/agent/clock.ts";
import { Datapath } from "../../datapath/agent/datapath.ts";
import { openBpf } from "../../datapath/loader/open.ts";
import type { Bpf } from "../../datapath/loader/ports.ts";
import { enterSandbox, interfaceIndex, ip, sandboxBpffs } from "../../datapath/loader/test/sandbox.ts";
import type { Judged } from "../../semantics/observation.ts";
import type { World } from "./sequence.ts";
import { type Framed, type Observation, type Side, sortedRows } from "./side.ts";

/** What programs return for a packet that goes on (TCX_NEXT). */
const next = -1;
/** Some interface that a forwarded packet came in by; nobody looks which. */
const anotherInterface = 1;

/** The real programs and a real agent, with a standing clock. */
interface LoadedNode {
  readonly datapath: Datapath;
  readonly agent: Agent;
}

/** The real programs, run by BPF_PROG_TEST_RUN in namespaces of this process: nothing is attached, nothing is sent. */
export class KernelSide implements Side {
  readonly #bpf: Bpf = openBpf();
  readonly #object: string;
  readonly #links: readonly number[];
  /** Loaded programs by the size of their table, which can't change. */
  readonly #nodes = new Map<number, LoadedNode>();
  #node: LoadedNode | undefined;
  #placed: ReadonlyMap<string, number> = new Map();

  /** Takes the main thread into its namespaces, and makes there the interfaces that packets seem to pass. */
  static enter(object: string, links: number): KernelSide {
    enterSandbox();
    const indices = Array.from({ length: links }, (_, place) => {
      ip(`link add pod-${place} type veth peer name peer-${place}`);
      return interfaceIndex(`pod-${place}`);
    });
    return new KernelSide(object, indices);
  }

  private constructor(object: string, links: readonly number[]) {
    this.#object = object;
    this.#links = links;
  }

  async begin(tableSize: number): Promise<void> {
    const node = this.#nodes.get(tableSize) ?? this.#load(tableSize);
    this.#nodes.set(tableSize, node);
    this.#node = node;
    await this.program(emptyWorld);
  }

  async program({ state, node, endpoints }: World): Promise<void> {
    const attachments = endpoints.map(({ link, ...facts }) => ({ ...facts, ifindex: this.#links[link] ?? 0 }));
    this.#placed = new Map(attachments.map(({ uid, ifindex }) => [uid, ifindex]));
    const statuses = await this.#running().agent.program(state, node, attachments);
    const failed = statuses.find(({ retried }) => retried === true);
    if (failed !== undefined) throw new Error(`the agent could not program ${failed.uid}: ${failed.message}`);
    // The agent sweeps if there is anything to take away; here always, so that counts can be compared.
    await this.#running().agent.sweep();
  }

  async advance(seconds: number, sweeps: boolean): Promise<void> {
    const { agent, datapath } = this.#running();
    if (sweeps) await agent.advance(seconds);
    else datapath.advance(ticksOf(datapath.clock, seconds));
  }

  async judge(packets: readonly Framed[]): Promise<readonly Judged[]> {
    const { agent } = this.#running();
    const passed = packets.map((packet) => this.#run(packet));
    const verdicts = await agent.verdicts();
    if (verdicts.length !== packets.length) {
      throw new Error(`${packets.length} packets left ${verdicts.length} records in the ring verdicts`);
    }
    return verdicts.map(({ uid: _, direction: __, ...judged }, index) => {
      if (judged.pass !== passed[index])
        throw new Error(`a program returned another verdict than it recorded: ${JSON.stringify(judged)}`);
      return judged;
    });
  }

  async observe(uid: string): Promise<Observation> {
    const { agent } = this.#running();
    return { metrics: await agent.metrics(uid), connections: sortedRows(await agent.connections(uid)) };
  }

  /** Unloads everything. The namespaces go with the process. */
  close(): void {
    for (const { agent } of this.#nodes.values()) agent.close();
    this.#nodes.clear();
  }

  #run({ uid, direction, packet, frame }: Framed): boolean {
    const { datapath } = this.#running();
    const program = direction === "egress" ? datapath.fromPod : datapath.toPod;
    const ingressIfindex = packet.fromNode ? 0 : anotherInterface;
    return program.testRun({ data: frame, ifindex: this.#placed.get(uid) ?? 0, ingressIfindex }).returnValue === next;
  }

  #running(): LoadedNode {
    if (this.#node === undefined) throw new Error("begin a sequence first");
    return this.#node;
  }

  #load(tableSize: number): LoadedNode {
    const pins = join(sandboxBpffs, `differential-${tableSize}`);
    for (const folder of ["maps", "links"]) mkdirSync(join(pins, folder), { recursive: true });
    const datapath = new Datapath({
      ...{ bpf: this.#bpf, object: this.#object, pins, tableSize },
      clock: "standing",
      endpointSlots: 64,
    });
    datapath.recordVerdicts(true);
    return { datapath, agent: new Agent(datapath, { attach: false }) };
  }
}

const emptyWorld: World = {
  state: {
    config: {
      revision: "",
      tracking: { cidrs: [], outsideCluster: false, clusterCidrs: [] },
      dnsAddresses: [],
      antiSpoofing: "Filtered",
    },
    ruleSets: [],
    acls: [],
    addressSets: [],
    node: { node: "node", endpoints: [] },
  },
  node: { nodeAddresses: [] },
  endpoints: [],
};
