import type { Bpf, BpfProgram } from "../../../datapath/loader/ports.ts";
import { withObject } from "../../../datapath/loader/test/object.ts";
import { sandboxBpffs } from "../../../datapath/loader/test/sandbox.ts";

/** What other projects put on a pod's interface, each counting the packets that it sees. */
const source = `
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64);
} seen SEC(".maps");
const volatile __u32 to_interface = 0;
static int note(__u32 which, int verdict)
{
	__u64 *count = bpf_map_lookup_elem(&seen, &which);
	if (count)
		__sync_fetch_and_add(count, 1);
	return verdict;
}
SEC("tc") int before(struct __sk_buff *skb) { return note(0, -1); }
SEC("tc") int behind(struct __sk_buff *skb) { return note(1, -1); }
SEC("tc") int filter(struct __sk_buff *skb) { return note(2, -1); }
/* TC_ACT_OK: "accepted", and no program behind is asked. */
SEC("tc") int accepting(struct __sk_buff *skb) { return note(3, 0); }
SEC("tc") int arrival(struct __sk_buff *skb) { return note(4, -1); }
/* As Cilium's host routing does at the end of a pod's egress. */
SEC("tc") int deliver(struct __sk_buff *skb) { note(5, 0); return bpf_redirect_peer(to_interface, 0); }
`;

const order = ["before", "behind", "filter", "accepting", "arrival", "deliver"] as const;
type Name = (typeof order)[number];

/** Other projects' programs. */
export class Others {
  readonly #seen;
  readonly #programs;
  readonly close: () => void;

  /** `target`: the host-side interface whose peer `deliver` delivers to. */
  constructor(bpf: Bpf, target = 0) {
    const loaded = withObject(source, (object) =>
      bpf.load({ object, pinRoot: sandboxBpffs, constants: { to_interface: target }, mapSizes: {} }),
    );
    this.#programs = loaded.programs;
    this.#seen = loaded.maps.get("seen");
    this.close = () => loaded.close();
  }

  program(name: Name): BpfProgram {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`the object has no program ${name}`);
    return program;
  }

  /** Packets that these programs saw while `work` ran. */
  async seenWhile(names: readonly Name[], work: () => void | Promise<void>): Promise<readonly number[]> {
    const before = names.map((name) => this.#count(name));
    await work();
    return names.map((name, index) => this.#count(name) - (before[index] ?? 0));
  }

  #count(name: Name): number {
    const key = new Uint8Array(Uint32Array.of(order.indexOf(name)).buffer);
    const value = this.#seen?.lookup(key) ?? new Uint8Array(8);
    return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
  }
}
