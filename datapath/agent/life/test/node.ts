import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tcpFlags } from "../../../../semantics/packet.ts";
import type { Address, Allowances, CompiledState } from "../../../../semantics/policy.ts";
import { plainConfig } from "../../../../semantics/test/config.ts";
import { address, ruleSet } from "../../../../semantics/test/rules.ts";
import { openBpf } from "../../../loader/open.ts";
import { sandboxBpffs } from "../../../loader/test/sandbox.ts";
import { Agent } from "../../agent.ts";
import type { EndpointAttachment, EndpointStatus } from "../../control.ts";
import { Datapath, type DatapathOptions } from "../../datapath.ts";
import { tcpFrame } from "../../test/frames.ts";
import { attachedPrograms } from "./links.ts";

/** One pod of a test. */
export interface Pod {
  readonly uid: string;
  readonly ifindex: number;
  readonly addresses: readonly Address[];
  /** Texts of its rule set; pods with the same ones share it. Absent: no group. */
  readonly rules?: readonly string[];
  readonly allowances?: Partial<Allowances>;
}

/** A packet that a pod sends or gets: a TCP SYN, where nothing else is said. */
export interface Shot {
  readonly direction?: "ingress" | "egress";
  readonly remote?: Address;
  /** The pod's address. Default: its first. */
  readonly local?: Address;
  readonly port?: number;
  readonly flags?: number;
  readonly gsoSize?: number;
  /** IPv4 identification and where the fragment stands; absent: no fragment. */
  readonly fragment?: { readonly id: number; readonly at: "first" | "later" };
}

/** Rules by which every TCP port of the pod is reached from 10.2.0.0/16. */
export const web = ["in tcp * from 10.2.0.0/16"];
/** An address that `web` lets in. */
export const client = address("10.2.0.1");

const object = fileURLToPath(new URL("../../../../build/bpf/sallyport.bpf.o", import.meta.url));
const bpf = openBpf();
/** Forwarded packets come from some interface; which one plays no part. */
export const uplink = 99;

function nameOf(rules: readonly string[]): string {
  return createHash("sha256").update(rules.join("\n")).digest("hex");
}

/** What the operator would have written for these pods. */
export function stateOf(pods: readonly Pod[]): CompiledState {
  const timeouts = { tcpEstablished: 350, udpStream: 180, udp: 30 };
  return {
    config: plainConfig,
    ruleSets: [...new Set(pods.flatMap(({ rules }) => (rules === undefined ? [] : [rules])))].map((rules) =>
      ruleSet(rules, nameOf(rules)),
    ),
    acls: [],
    addressSets: [],
    node: {
      node: "n",
      endpoints: pods.map(({ uid, rules, allowances }) => ({
        pod: { namespace: "ns", name: uid, uid },
        ...(rules === undefined ? {} : { ruleSet: nameOf(rules) }),
        allowances: { conntrackMax: 1000, timeouts, ...allowances },
        trackedPorts: [],
      })),
    },
  };
}

function frameOf({ uid, addresses }: Pod, shot: Shot): Uint8Array {
  const { direction = "ingress", remote = client, local = addresses[0], port = 80, flags = tcpFlags.SYN } = shot;
  if (local === undefined) throw new Error(`pod ${uid} has no address`);
  const frame =
    direction === "ingress"
      ? tcpFrame({ source: remote, destination: local, sourcePort: 40_000, port, flags })
      : tcpFrame({ source: local, destination: remote, sourcePort: port, port: 40_000, flags });
  if (shot.fragment !== undefined) {
    const header = new DataView(frame.buffer, 14);
    header.setUint16(4, shot.fragment.id);
    header.setUint16(6, shot.fragment.at === "first" ? 0x2000 : 4);
  }
  return frame;
}

/** An agent over a datapath with a clock that stands, attached to real interfaces where `attach` says so. */
export class TestNode {
  readonly datapath: Datapath;
  readonly agent: Agent;
  readonly #options: DatapathOptions;
  readonly #attach: boolean;

  /** `name` is a folder of the sandbox's bpffs; with the pins of a former agent there it takes that one's over. */
  constructor(name: string, { attach = false, ...options }: Partial<DatapathOptions> & { attach?: boolean } = {}) {
    const pins = join(sandboxBpffs, name);
    mkdirSync(pins, { recursive: true });
    this.#options = { bpf, object, pins, clock: "standing", tableSize: 4096, endpointSlots: 16, ...options };
    this.#attach = attach;
    this.datapath = new Datapath(this.#options);
    this.agent = new Agent(this.datapath, { attach });
    this.datapath.recordVerdicts(true);
  }

  program(pods: readonly Pod[]): Promise<readonly EndpointStatus[]> {
    return this.agent.program(
      stateOf(pods),
      { nodeAddresses: [] },
      pods.map(({ uid, ifindex, addresses }): EndpointAttachment => ({ uid, ifindex, addresses, adopt: false })),
    );
  }

  /** Puts a packet through the programs; returns its reason and tracking. */
  async send(pod: Pod, shot: Shot = {}): Promise<string> {
    const program = shot.direction === "egress" ? this.datapath.fromPod : this.datapath.toPod;
    program.testRun({
      data: frameOf(pod, shot),
      ifindex: pod.ifindex,
      ingressIfindex: uplink,
      gsoSize: shot.gsoSize ?? 0,
    });
    const [verdict] = await this.agent.verdicts();
    return verdict === undefined ? "closed" : `${verdict.reason} ${verdict.tracking}`;
  }

  /** How many of so many packets pass. */
  passing(pod: Pod, count: number, shot: Shot = {}): number {
    const program = shot.direction === "egress" ? this.datapath.fromPod : this.datapath.toPod;
    const input = {
      data: frameOf(pod, shot),
      ifindex: pod.ifindex,
      ingressIfindex: uplink,
      gsoSize: shot.gsoSize ?? 0,
    };
    const next = -1;
    return Array.from({ length: count }, () => program.testRun(input)).filter(({ returnValue }) => returnValue === next)
      .length;
  }

  /** Whether the kernel runs the programs of this node, and no others, on both sides of an interface. */
  isAttached(ifindex: number): boolean {
    const { fromPod, toPod } = this.datapath;
    return (
      attachedPrograms(ifindex, "ingress").join() === `${fromPod.id}` &&
      attachedPrograms(ifindex, "egress").join() === `${toPod.id}`
    );
  }

  /** Whether the kernel runs nothing at an interface. */
  isDetached(ifindex: number): boolean {
    return attachedPrograms(ifindex, "ingress").length + attachedPrograms(ifindex, "egress").length === 0;
  }

  /** Entries of the connection table, of all pods. */
  entries(): number {
    return [...this.datapath.connections()].length;
  }

  /** Another agent in the place of this one, over what is pinned. */
  successor(): TestNode {
    const { pins, bpf: _, object: __, ...options } = this.#options;
    this.close();
    return new TestNode(pins.slice(sandboxBpffs.length + 1), { ...options, attach: this.#attach });
  }

  close(): void {
    this.agent.close();
  }
}

/** Bytes of the frames that `send` and `passing` put through. */
export function frameLength(pod: Pod): number {
  return frameOf(pod, {}).byteLength;
}
