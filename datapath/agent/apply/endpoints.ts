import { createHash } from "node:crypto";
import { addressBytes, familyOf } from "../../../semantics/address.ts";
import type { Address, Family } from "../../../semantics/policy.ts";
import { constants, structs } from "../abi.generated.ts";
import { StructView } from "../bytes.ts";

/** What of `endpoint.policy` is to be in force. */
export interface PolicyWord {
  readonly rules: number;
  readonly acl: number;
  /** `policy_flag` bits. */
  readonly flags: number;
}

/** One slot of the array `endpoints`, shared with the kernel. */
export type EndpointView = StructView<"endpoint">;

const perFamily = constants.ENDPOINT_ADDRESSES;

/** The 32 bytes by which `endpoint.uid` knows a pod. */
export function uidBytes(uid: string): Buffer {
  return createHash("sha256").update(uid).digest();
}

/** All of `endpoint.policy` but the count of its changes. */
const policyBits = (1n << 48n) - 1n;

function packPolicy({ rules, acl, flags }: PolicyWord): bigint {
  return BigInt(rules) | (BigInt(acl) << 16n) | (BigInt(flags) << 32n);
}

/** What `endpoint.policy` says now. */
export function readPolicy(view: EndpointView): PolicyWord {
  const word = view.u64("policy");
  return {
    rules: Number(word & 0xffffn),
    acl: Number((word >> 16n) & 0xffffn),
    flags: Number((word >> 32n) & 0xffffn),
  };
}

/** Addresses that do not fit are an error that names them. */
export function checkAddresses(addresses: readonly Address[]): string | undefined {
  for (const family of [4, 6] as const) {
    const own = addresses.filter((address) => familyOf(address) === family);
    if (own.length > perFamily) {
      return `${own.length} IPv${family} addresses (${own.join(", ")}), at most ${perFamily}: remove addresses from the pod`;
    }
  }
  return undefined;
}

/** The array `endpoints`, mapped into this process. All of an endpoint's fields but its counters have one writer: us. */
export class EndpointArray {
  readonly #memory: ArrayBuffer;
  readonly #words: BigUint64Array;
  readonly #mask: number;
  readonly #used = new Set<number>();
  /** What `setAddresses` last made of a slot. */
  readonly #addresses = new Map<number, string>();
  #serial: number;

  /** `memory` is the mapped array of `entries` slots, a power of two. */
  constructor(memory: ArrayBuffer, entries: number) {
    this.#memory = memory;
    this.#words = new BigUint64Array(memory);
    this.#mask = entries - 1;
    for (let index = 0; index < entries; index++) {
      if (this.at(index).u32("ifindex") !== 0) this.#used.add(index);
    }
    this.#serial = this.#highestSerial();
  }

  at(index: number): EndpointView {
    return new StructView("endpoint", this.#memory, index * structs.endpoint.size);
  }

  /** Indices of the slots in use. */
  used(): ReadonlySet<number> {
    return this.#used;
  }

  /** Takes a free slot for an interface; the endpoint is closed and empty. */
  claim(ifindex: number, uid: string, counters: number): number {
    for (let probe = 0; probe < constants.ENDPOINT_PROBES; probe++) {
      const index = (ifindex + probe) & this.#mask;
      const view = this.at(index);
      if (view.u32("ifindex") === 0) {
        const reuse = ((view.u32("id") >>> 16) + 1) & 0xffff;
        view.bytes.fill(0);
        view.setU32("id", ((reuse << 16) | index) >>> 0);
        view.setU32("counters", counters);
        view.window("uid", 32).set(uidBytes(uid));
        view.setU32("ifindex", ifindex);
        this.#used.add(index);
        return index;
      }
    }
    throw new RangeError(`no endpoint slot for interface ${ifindex}: raise the size of the map endpoints`);
  }

  /** Frees a slot whose entries are gone. The id stays, so that the next endpoint gets another. */
  free(index: number): void {
    this.at(index).setU32("ifindex", 0);
    this.#used.delete(index);
    this.#addresses.delete(index);
  }

  /** One aligned store: packets see the old policy or the new one, and a count by which they know them apart. */
  setPolicy(index: number, word: PolicyWord): void {
    const at = (index * structs.endpoint.size + structs.endpoint.fields.policy) / 8;
    const before = this.#words[at] ?? 0n;
    const next = packPolicy(word);
    if ((before & policyBits) === next) return;
    const change = ((before >> 48n) + 1n) & 0xffffn;
    Atomics.store(this.#words, at, next | (change << 48n));
  }

  /**
   * Makes the endpoint's addresses exactly these; those that stay keep their serial and so their connections. Returns
   * whether one was taken away.
   */
  setAddresses(index: number, addresses: readonly Address[]): boolean {
    const text = addresses.join();
    if (this.#addresses.get(index) === text) return false;
    this.#addresses.set(index, text);
    const view = this.at(index);
    const parsed = addresses.map(addressBytes);
    const removed = ([4, 6] as const).map((family) => {
      const wanted = parsed.filter((address) => address.family === family);
      return this.#setFamily(
        view,
        family,
        wanted.map(({ bytes }) => bytes),
      );
    });
    return removed.includes(true);
  }

  /** Serial of an address of the endpoint's; 0: it has no such address. */
  serialOf(index: number, address: Address): number {
    const view = this.at(index);
    const { family, bytes } = addressBytes(address);
    const [field, serials] = family === 4 ? (["ipv4", "ipv4_serial"] as const) : (["ipv6", "ipv6_serial"] as const);
    for (let slot = 0; slot < perFamily; slot++) {
      const serial = view.u16(serials, slot);
      if (serial !== 0 && Buffer.compare(view.window(field, bytes.length, slot), bytes) === 0) return serial;
    }
    return 0;
  }

  #setFamily(view: EndpointView, family: Family, wanted: readonly Uint8Array[]): boolean {
    const field = family === 4 ? "ipv4" : "ipv6";
    const serial = family === 4 ? "ipv4_serial" : "ipv6_serial";
    const slots = Array.from({ length: perFamily }, (_, slot) => slot);
    const holds = (slot: number, bytes: Uint8Array) =>
      view.u16(serial, slot) !== 0 && Buffer.compare(view.window(field, bytes.length, slot), bytes) === 0;
    const lost = slots.filter((slot) => view.u16(serial, slot) !== 0 && !wanted.some((bytes) => holds(slot, bytes)));
    for (const slot of lost) {
      view.setU16(serial, 0, slot);
    }
    for (const bytes of wanted) {
      if (slots.some((slot) => holds(slot, bytes))) {
        continue;
      }
      const free = slots.find((slot) => view.u16(serial, slot) === 0);
      if (free !== undefined) {
        view.window(field, bytes.length, free).set(bytes);
        view.setU16(serial, this.#nextSerial(), free);
      }
    }
    return lost.length > 0;
  }

  #nextSerial(): number {
    this.#serial = (this.#serial % 0xffff) + 1;
    return this.#serial;
  }

  #highestSerial(): number {
    let highest = 0;
    for (const index of this.used()) {
      const view = this.at(index);
      for (let slot = 0; slot < perFamily; slot++) {
        highest = Math.max(highest, view.u16("ipv4_serial", slot), view.u16("ipv6_serial", slot));
      }
    }
    return highest;
  }
}
