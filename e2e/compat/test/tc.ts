import { execFileSync } from "node:child_process";

function tc(command: string): string {
  return execFileSync("tc", command.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Kinds of the queueing disciplines of an interface. */
export function qdiscs(device: string): readonly string[] {
  return (JSON.parse(tc(`-j qdisc show dev ${device}`)) as { kind: string }[]).map(({ kind }) => kind);
}

interface Filter {
  readonly pref: number;
  readonly options?: { readonly prog?: { readonly id: number } };
}

function show(device: string): readonly Filter[] {
  const listed = JSON.parse(tc(`-j filter show dev ${device} ingress`)) as Filter[];
  return listed.filter(({ options }) => options?.prog !== undefined);
}

/** Direct-action filters at the ingress of an interface, as other projects set them. */
export const filters = {
  /** Adds a pinned program, and the qdisc where there is none. */
  add(device: string, priority: number, pin: string): void {
    if (!qdiscs(device).includes("clsact")) tc(`qdisc add dev ${device} clsact`);
    tc(`filter add dev ${device} ingress pref ${priority} bpf da object-pinned ${pin}`);
  },
  remove(device: string, priority: number): void {
    tc(`filter del dev ${device} ingress pref ${priority}`);
  },
  /** Priorities. */
  list(device: string): readonly string[] {
    return show(device).map(({ pref }) => String(pref));
  },
  /** Ids of the programs. */
  programs(device: string): readonly number[] {
    return show(device).flatMap(({ options }) => options?.prog?.id ?? []);
  },
};

/** What a qdisc has counted; `throttled`: how often fq made a flow wait for its time. */
export interface QdiscCounts {
  readonly packets: number;
  readonly drops: number;
  readonly throttled?: number;
}

/** Qdiscs through which an interface sends. */
export const queues = {
  /** Puts a qdisc in the place of what is there, with counters at zero. */
  set(device: string, qdisc: string, where = "root"): void {
    // A qdisc that takes the place of one of its own kind would keep the counters.
    for (const next of ["bfifo", qdisc]) tc(`qdisc replace dev ${device} ${where} ${next}`);
  },
  /** Of the root qdisc. */
  counts(device: string): QdiscCounts {
    const [counts] = JSON.parse(tc(`-s -j qdisc show dev ${device} root`)) as QdiscCounts[];
    if (counts === undefined) throw new Error(`${device} has no root qdisc`);
    return counts;
  },
};
