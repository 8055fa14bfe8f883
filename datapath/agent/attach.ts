import { existsSync } from "node:fs";
import { join } from "node:path";
import { insideNetworkNamespace } from "../loader/libc.ts";
import type { Hook } from "../loader/ports.ts";
import type { PodSide } from "./control.ts";
import type { Datapath } from "./datapath.ts";

/** What decides which programs a pod's interfaces get. */
export interface AttachedEndpoint {
  /** Interface index of the host-side veth. */
  readonly ifindex: number;
  /** Id of the endpoint, which the pod-side program is loaded for. */
  readonly id: number;
  readonly podSide: PodSide | undefined;
}

/** Hooks of the host-side veth: what leaves the pod enters there, and the other way round. */
const hostPoints = ["ingress", "egress"] as const;

function pinPath(datapath: Datapath, ifindex: number, name: string): string {
  return join(datapath.pins, "links", `${ifindex}-${name}`);
}

/** Attaches an endpoint's programs, or exchanges those of a former agent without a gap. */
export function attachEndpoint(datapath: Datapath, endpoint: AttachedEndpoint): void {
  const { ifindex, podSide } = endpoint;
  const pin = (name: string) => pinPath(datapath, ifindex, name);
  const { bpf } = datapath;
  bpf.attach(datapath.fromPod, { ifindex, point: "ingress" }, pin("ingress"));
  if (podSide === undefined) {
    bpf.attach(datapath.toPod, { ifindex, point: "egress" }, pin("egress"));
    detachPodSide(datapath, ifindex);
  } else {
    // The new judge is there before the old one goes: between the two, packets meet both.
    attachPodSide(datapath, endpoint, podSide);
    bpf.attach(datapath.noteNode, { ifindex, point: "egress" }, pin("egress"));
  }
}

/** Detaches what is there. An interface that is gone has taken its attachments along. */
export function detachInterface(datapath: Datapath, ifindex: number): void {
  for (const point of hostPoints) datapath.bpf.detach({ ifindex, point }, pinPath(datapath, ifindex, point));
  detachPodSide(datapath, ifindex);
}

function attachPodSide(datapath: Datapath, { ifindex, id }: AttachedEndpoint, podSide: PodSide): void {
  const hook: Hook = { ifindex: podSide.ifindex, point: "ingress" };
  datapath.withIntoPod(id, (program) => {
    insideNetworkNamespace(podSide.netns, () => datapath.bpf.attach(program, hook, pinPath(datapath, ifindex, "pod")));
  });
}

/** At clsact nothing is pinned: there the program goes with the pod's interface, and not before. */
function detachPodSide(datapath: Datapath, ifindex: number): void {
  const pin = pinPath(datapath, ifindex, "pod");
  if (existsSync(pin)) datapath.bpf.detach({ ifindex, point: "ingress" }, pin);
}
