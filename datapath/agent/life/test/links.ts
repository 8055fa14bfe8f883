import { execFileSync } from "node:child_process";
import { Attributes, bpf } from "../../../loader/syscall.ts";

/** Runs many commands of `ip` in one process. */
export function ipAll(commands: readonly string[]): void {
  execFileSync("ip", ["-batch", "-"], { input: `${commands.join("\n")}\n`, stdio: ["pipe", "ignore", "pipe"] });
}

/** What makes a veth pair whose host side has this index. */
export function addPair(ifindex: number): string {
  return `link add host${ifindex} index ${ifindex} type veth peer name pod${ifindex}`;
}

/** What takes it away again. */
export function deletePair(ifindex: number): string {
  return `link delete host${ifindex}`;
}

/** `BPF_PROG_QUERY`, and where its attributes are (include/uapi/linux/bpf.h). */
const progQuery = 16;
const fields = { ifindex: 0, attachType: 4, ids: 16, count: 24 } as const;
const mostPrograms = 64;

/** Ids of the programs that the kernel runs at a tcx hook of an interface, in their order. */
export function attachedPrograms(ifindex: number, point: "ingress" | "egress"): readonly number[] {
  const ids = new Uint32Array(new ArrayBuffer(mostPrograms * 4));
  const attributes = new Attributes(64)
    .u32(fields.ifindex, ifindex)
    .u32(fields.attachType, point === "ingress" ? 46 : 47)
    .u32(fields.count, mostPrograms)
    .pointer(fields.ids, ids);
  const answer = bpf(`list the programs of interface ${ifindex}`, progQuery, attributes, ["ENOENT"]);
  return answer === "ENOENT" ? [] : [...ids.subarray(0, attributes.read(fields.count))];
}
