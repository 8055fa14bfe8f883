import type { Packet } from "../../../semantics/packet.ts";
import type { Chance } from "../chance.ts";
import type { Fault, QuoteShape, Shape } from "../shape.ts";
import type { Some } from "./pool.ts";

const extensionNumbers: Some<number> = [0, 43, 60, 51, 60];

function randomChain(chance: Chance): number[] {
  return Array.from({ length: chance.between(1, 3) }, () => chance.pick(extensionNumbers));
}

function randomLengthening(chance: Chance, { family }: Packet): Pick<Shape, "options" | "extensions"> {
  if (!chance.onceIn(12)) return {};
  return family === 4 ? { options: chance.between(1, 10) } : { extensions: randomChain(chance) };
}

function isLater({ transport }: Packet): boolean {
  return transport.kind === "fragment";
}

/** Whether a fault is possible in such a packet, and is one. */
const applicable: Readonly<Record<Fault, (packet: Packet) => boolean>> = {
  version: () => true,
  "claims-more-than-there-is": () => true,
  "short-header": ({ family }) => family === 4,
  "cut-in-transport": ({ transport }) => transport.kind !== "other" && transport.kind !== "fragment",
  "tcp-offset": ({ transport }) => transport.kind === "tcp",
  "udp-length": ({ transport }) => transport.kind === "udp",
  "long-chain": ({ family }) => family === 6,
  "two-fragment-headers": ({ family }) => family === 6,
  "overlapping-fragment": (packet) => isLater(packet) && (packet.fragment?.offset ?? 0) < 20 && isTcp(packet),
  "overlong-fragment": ({ fragment }) => fragment?.offset === 65_528,
  "extension-beyond-end": ({ family }) => family === 6,
};

function isTcp({ transport }: Packet): boolean {
  return transport.kind === "fragment" && transport.protocol === 6;
}

/** Faults that lie in the packet's own fragment field, so that they can't be left out. */
function ownFault(packet: Packet): Fault | undefined {
  return (["overlapping-fragment", "overlong-fragment"] as const).find((fault) => applicable[fault](packet));
}

function randomFault(chance: Chance, packet: Packet): Fault | undefined {
  if (!chance.onceIn(40)) return undefined;
  return chance.pickAny((Object.keys(applicable) as Fault[]).filter((fault) => applicable[fault](packet)));
}

/** How a packet lies in its frame. A later fragment always holds something. */
export function randomShape(chance: Chance, packet: Packet, quote: QuoteShape | undefined): Shape {
  const fault = ownFault(packet) ?? randomFault(chance, packet);
  const payload = isLater(packet) ? 8 : chance.onceIn(3) ? chance.between(0, 32) : 0;
  return {
    ...(chance.onceIn(20) ? { tags: chance.pick([1, 2]) } : {}),
    ...randomLengthening(chance, packet),
    ...(payload > 0 ? { payload } : {}),
    ...(fault === undefined && chance.onceIn(20) ? { padding: chance.between(1, 20) } : {}),
    ...(fault === undefined ? {} : { fault }),
    ...(quote === undefined ? {} : { quote: fault === undefined ? quote : unspilt(quote) }),
  };
}

/** What lies behind the datagram's end would make good what a fault takes away. */
function unspilt({ spilt: _, ...quote }: QuoteShape): QuoteShape {
  return quote;
}

/** How much of a quoted transport header the contract needs (S-34). */
function neededOf({ transport }: Packet): number {
  switch (transport.kind) {
    case "tcp":
    case "udp":
      return 4;
    case "icmp":
      return 8;
    case "other":
    case "fragment":
      return 0;
  }
}

export function randomQuote(chance: Chance, packet: Packet): QuoteShape {
  const transport = chance.onceIn(6) ? chance.between(-1, 8) : 8;
  return {
    packet,
    transport,
    ...randomLengthening(chance, packet),
    ...(transport < 8 && chance.onceIn(2) ? { spilt: true } : {}),
  };
}

/** The quoted packet, where enough of it is there to know its flow. */
export function quotedOf({ packet, transport }: QuoteShape): { readonly quoted?: Packet } {
  return transport < neededOf(packet) ? {} : { quoted: packet };
}
