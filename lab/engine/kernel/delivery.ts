import { encodeFrame, encodePacket } from "../../wire/encode.ts";
import type { Delivery, Machine, WirePacket } from "../ports.ts";
import type { Network } from "./network.ts";
import { waitFor } from "./patience.ts";
import { lastPacket, progressOf } from "./sightings.ts";
import type { VerdictLog } from "./verdict-log.ts";

/** How long packets may be on their way, in milliseconds; in practice they arrive before the call returns. */
const patience = 250;
/** Packets and bytes on their way at once: what the receiver's socket buffer and the ring of verdicts hold. */
const batchPackets = 1024;
const batchBytes = 2 * 1024 * 1024;

/** Packets in batches, each small enough for the buffers on the way. */
function* batchesOf(packets: readonly WirePacket[]): Iterable<readonly WirePacket[]> {
  let batch: WirePacket[] = [];
  let bytes = 0;
  for (const packet of packets) {
    if (batch.length >= batchPackets || bytes + packet.length > batchBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(packet);
    bytes += packet.length;
  }
  if (batch.length > 0) yield batch;
}

const keyOf = (packet: Uint8Array): string =>
  Buffer.from(packet.buffer, packet.byteOffset, packet.length).toString("latin1");

/** Counts arrivals of packets that are known byte for byte. */
class Arrivals {
  readonly #expected = new Map<string, number>();
  count = 0;

  expect(packet: Uint8Array): void {
    const key = keyOf(packet);
    this.#expected.set(key, (this.#expected.get(key) ?? 0) + 1);
  }

  add(packets: readonly Uint8Array[]): void {
    for (const packet of packets) {
      const key = keyOf(packet);
      const left = this.#expected.get(key) ?? 0;
      if (left === 0) continue;
      this.#expected.set(key, left - 1);
      this.count += 1;
    }
  }
}

/** Sends raw packets from machine to machine, and sees at the receiver which of them arrive. */
export class RawDelivery {
  readonly #network: Network;
  readonly #log: VerdictLog;

  constructor(network: Network, log: VerdictLog) {
    this.#network = network;
    this.#log = log;
  }

  async send(from: Machine, to: Machine, packets: readonly WirePacket[]): Promise<Delivery> {
    const addresses = new Set(packets.map(({ destination }) => destination));
    const endings =
      to.kind === "node"
        ? []
        : [...addresses].map((address) => this.#network.detour(address, this.#network.station(to)));
    try {
      let delivered = 0;
      for (const batch of batchesOf(packets)) delivered += await this.#sendBatch(from, to, batch);
      return { delivered, sightings: lastPacket(this.#log.records, { from, to }) };
    } finally {
      for (const end of endings) end?.();
    }
  }

  async #sendBatch(from: Machine, to: Machine, batch: readonly WirePacket[]): Promise<number> {
    const transmit = this.#transmitter(from, to);
    const receive = this.#receiver(from, to);
    const forwarded = from.kind !== "node" && to.kind !== "node";
    const arrivals = new Arrivals();
    receive();
    await this.#log.begin();
    for (const packet of batch) {
      if (!forwarded) arrivals.expect(encodePacket(packet));
      else if (packet.hopLimit > 1) arrivals.expect(encodePacket({ ...packet, hopLimit: packet.hopLimit - 1 }));
      transmit(packet);
    }
    await waitFor(async () => {
      const progress = progressOf(await this.#log.update(), { from, to }, batch.length);
      arrivals.add(receive());
      if (progress === undefined) return arrivals.count === batch.length;
      return progress.judged && arrivals.count >= progress.passed;
    }, patience);
    return arrivals.count;
  }

  #transmitter(from: Machine, to: Machine): (packet: WirePacket) => void {
    if (from.kind === "node") {
      const sender = this.#network.station(to).nodeSender;
      return (packet) => sender.send(packet);
    }
    const { tap, end, nodeEnd } = this.#network.station(from);
    const ethernet = { source: end.hardware, destination: nodeEnd.hardware };
    return (packet) => tap.send(encodeFrame(packet, ethernet));
  }

  #receiver(from: Machine, to: Machine): () => Uint8Array[] {
    if (to.kind !== "node") {
      const { tap } = this.#network.station(to);
      return () => tap.read();
    }
    const taps = this.#network.station(from).nodeTaps();
    return () => taps.flatMap((tap) => tap.read());
  }
}
