import type { Reason, Tracking } from "../verdict.ts";
import { ticksOf } from "./clock.ts";
import type { Connection } from "./connections.ts";
import type { PacketView } from "./view.ts";

/** Datagrams that an endpoint can have in pieces at once. */
export const datagramsPerEndpoint = 64;

/** S-41: how long later fragments follow the first one, from when that passed. */
const lifetime = ticksOf(30);

/** A first fragment that passed, and by what. */
export interface FirstFragment {
  readonly view: PacketView;
  readonly reason: Reason;
  readonly tracking: Tracking;
  /** The entry that it made or passed by. */
  readonly connection?: Connection;
}

/**
 * S-41: the first fragments of one endpoint's datagrams, so that later ones, which have no ports, can follow.
 *
 * A datagram is known by direction, family, both addresses, protocol and identification. Only a first fragment that
 * passed is kept; one that was dropped takes away what an older datagram of the same identification left. Later
 * fragments do not prolong the 30 s. When an endpoint has more datagrams in pieces than `datagramsPerEndpoint`, its
 * oldest is forgotten: its own, so that no pod loses any by another's.
 */
export class FirstFragments {
  readonly #records = new Map<string, FirstFragment & { readonly passed: number }>();

  /** Takes note of a first fragment that passed. Packets that are no fragments leave nothing. */
  keep(first: FirstFragment, now: number): void {
    const key = datagramKey(first.view);
    if (key === undefined || !isFirst(first.view)) return;
    this.#records.delete(key);
    this.#records.set(key, { ...first, passed: now });
    const [oldest] = this.#records.keys();
    if (this.#records.size > datagramsPerEndpoint && oldest !== undefined) this.#records.delete(oldest);
  }

  /** Takes note of a first fragment that was dropped. */
  forget(view: PacketView): void {
    const key = datagramKey(view);
    if (key !== undefined && isFirst(view)) this.#records.delete(key);
  }

  /** The first fragment that this later one follows. */
  firstOf(later: PacketView, now: number): FirstFragment | undefined {
    const key = datagramKey(later);
    const record = key === undefined ? undefined : this.#records.get(key);
    return record !== undefined && now - record.passed < lifetime ? record : undefined;
  }
}

/**
 * A fragment with offset 0 and nothing behind it is a whole datagram (RFC 6946). What cannot be read is none: nothing
 * that it says is known.
 */
function isFirst({ packet, transport }: PacketView): boolean {
  return transport.kind !== "fragment" && packet.fragment?.more === true && !packet.broken;
}

function datagramKey({ packet, direction, protocol }: PacketView): string | undefined {
  const { source, destination, fragment } = packet;
  return fragment && `${direction} ${source} ${destination} ${protocol} ${fragment.id}`;
}
