import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { constants, structs } from "../datapath/agent/abi.generated.ts";
import { Agent } from "../datapath/agent/agent.ts";
import { makeStruct } from "../datapath/agent/bytes.ts";
import type { EndpointAttachment } from "../datapath/agent/control.ts";
import { Datapath } from "../datapath/agent/datapath.ts";
import { openBpf } from "../datapath/loader/open.ts";
import { interfaceIndex, ip } from "../datapath/loader/test/sandbox.ts";
import { addressBytes } from "../semantics/address.ts";
import type { Family } from "../semantics/policy.ts";
import type { Reason } from "../semantics/verdict.ts";
import { address, addressing, families, frameOf, type Segment } from "./packets.ts";
import { compiledState, type Pod, pods } from "./policy.ts";

/** Entries of the node's table: the agent's default. */
const tableSize = 1_048_576;

const keySize = structs.connection_key.size;
/** Offsets in `struct bench_plan` (bench.bpf.c), behind the key. */
const planFields = { flows: keySize, nextFlow: keySize + 4, random: keySize + 8 } as const;

const tcp = 6;
/** What programs of the datapath return for a packet that goes on (TCX_NEXT). */
const next = -1;

/** Interface that packets came from: forwarded ones have one, the node's own have none. */
const uplink = 1;

/** Which flows the packets of a run belong to: one of the first `count` at random, or new ones from `first` on. */
export type Flows = { readonly count: number } | { readonly first: number };

/** Programs of bench.bpf.c. */
export type BenchProgram =
  | "bench_empty"
  | "bench_lookup"
  | "bench_insert"
  | "bench_remove"
  | "bench_copy"
  | "bench_to_pod"
  | "bench_from_pod";

/** Makes the interface that a pod's packets seem to come from and go to. */
function attach(pod: Pod, index: number): EndpointAttachment {
  ip(`link add ${pod} type veth peer name peer-${index}`);
  const addresses = families.map((family) => addressing[family].pod(index));
  return { uid: pod, ifindex: interfaceIndex(pod), addresses, adopt: false };
}

/** A node whose pods are interfaces without anybody behind them, programmed by a real agent. */
export class BenchNode {
  readonly #datapath: Datapath;
  readonly #agent: Agent;
  readonly #plan: DataView;
  readonly #attachments: ReadonlyMap<Pod, EndpointAttachment>;

  /** `object` is the compiled bench.bpf.c, `bpffs` a folder of its own on a bpffs. */
  constructor(object: string, bpffs: string) {
    for (const folder of ["maps", "links"]) {
      mkdirSync(join(bpffs, folder), { recursive: true });
    }
    this.#attachments = new Map(pods.map((pod, index) => [pod, attach(pod, index)]));
    this.#datapath = new Datapath({
      bpf: openBpf(),
      object,
      pins: bpffs,
      clock: "running",
      tableSize,
      endpointSlots: 64,
    });
    this.#agent = new Agent(this.#datapath, { attach: false });
    this.#plan = new DataView(this.#datapath.map("bench_plan").mmap());
    this.#plan.setUint32(planFields.random, 2_463_534_242, true);
  }

  /** Puts rule sets of `rules` rules in force for all pods but those in `without`, whose entries go. */
  async program(rules: number, without: readonly Pod[] = []): Promise<void> {
    const present = pods.filter((pod) => !without.includes(pod)).map((pod) => this.#attachment(pod));
    const nodeAddresses = [address("198.18.255.1"), address("2001:db8:1::ffff")];
    const statuses = await this.#agent.program(compiledState(rules), { nodeAddresses }, present);
    const closed = statuses.find(({ state }) => state !== "Programmed");
    if (closed !== undefined) {
      throw new Error(`pod ${closed.uid} is not programmed: ${closed.message}`);
    }
  }

  /** Runs a program over `packets` packets; returns mean nanoseconds each, as the kernel measured. */
  run(program: BenchProgram, pod: Pod, segment: Omit<Segment, "pod">, flows: Flows, packets: number): number {
    const { ifindex } = this.#attachment(pod);
    this.#setPlan(pod, segment, flows);
    const data = frameOf({ ...segment, pod: this.#address(pod, segment.family) });
    return this.#datapath.program(program).testRun({ data, ifindex, ingressIfindex: uplink, repeat: packets }).duration;
  }

  /** Whether a thousand of the first `count` flows, evenly picked, have an entry each. */
  haveEntries(pod: Pod, segment: Omit<Segment, "pod">, count: number): boolean {
    const { ifindex } = this.#attachment(pod);
    const data = frameOf({ ...segment, pod: this.#address(pod, segment.family) });
    const lookup = this.#datapath.program("bench_lookup");
    const sample = Math.min(count, 1000);
    return Array.from({ length: sample }, (_, i) => Math.floor((i * count) / sample)).every((flow) => {
      this.#setPlan(pod, segment, { first: flow });
      return lookup.testRun({ data, ifindex }).returnValue === next;
    });
  }

  /** Packets that a pod sent or got so far, by reason. */
  async packets(pod: Pod, direction: Segment["direction"]): Promise<Readonly<Partial<Record<Reason, number>>>> {
    return (await this.#agent.metrics(pod)).packets[direction];
  }

  /** Unloads everything; the pods' interfaces go. */
  close(): void {
    for (const pod of pods) {
      ip(`link delete ${pod}`);
    }
    this.#agent.close();
  }

  #attachment(pod: Pod): EndpointAttachment {
    const attachment = this.#attachments.get(pod);
    if (attachment === undefined) {
      throw new Error(`no pod ${pod}`);
    }
    return attachment;
  }

  #address(pod: Pod, family: Family) {
    return addressing[family].pod(pods.indexOf(pod));
  }

  #setPlan(pod: Pod, { family, podPort }: Omit<Segment, "pod">, flows: Flows): void {
    const index = [...this.#datapath.endpoints.used()].find(
      (slot) => this.#datapath.endpoints.at(slot).u32("ifindex") === this.#attachment(pod).ifindex,
    );
    if (index === undefined) {
      throw new Error(`pod ${pod} has no endpoint`);
    }
    const endpoint = this.#datapath.endpoints.at(index);
    const key = makeStruct("connection_key");
    key.window("remote", 16).set(addressBytes(addressing[family].remote).bytes);
    key.setU32("endpoint", endpoint.u32("id"));
    key.setU16("local_port", podPort);
    key.setU16("serial", endpoint.u16(family === 4 ? "ipv4_serial" : "ipv6_serial"));
    key.window("protocol", 1)[0] = tcp;
    key.window("kind", 1)[0] = family === 6 ? constants.KIND_IPV6 : 0;
    new Uint8Array(this.#plan.buffer).set(key.bytes);
    this.#plan.setUint32(planFields.flows, "count" in flows ? flows.count : 0, true);
    this.#plan.setUint32(planFields.nextFlow, "first" in flows ? flows.first : 0, true);
  }
}
