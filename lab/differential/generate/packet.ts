import { type Packet, protocolOf, type Transport } from "../../../semantics/packet.ts";
import type { Address, Direction, Family } from "../../../semantics/policy.ts";
import type { Chance } from "../chance.ts";
import type { PlacedEndpoint, Sent, World } from "../sequence.ts";
import type { QuoteShape } from "../shape.ts";
import { familyOf, nodeAddresses, oddities, podAddresses, type Some, serviceAddresses, strangers } from "./pool.ts";
import { quotedOf, randomQuote, randomShape } from "./shape.ts";
import { icmpNumbers, randomFlags, randomTransport, replyTo } from "./transport.ts";

/** What a packet is, before it is known how it lies in its frame. */
interface Idea {
  readonly uid: string;
  readonly direction: Direction;
  readonly family: Family;
  readonly local: Address;
  readonly remote: Address;
  readonly transport: Transport;
  readonly fragment?: Packet["fragment"];
  readonly quote?: QuoteShape;
}

const directions: Some<Direction> = ["ingress", "egress"];

const opposite = (direction: Direction): Direction => (direction === "ingress" ? "egress" : "ingress");

function randomRemote(chance: Chance, family: Family): Address {
  return chance.weighted<Address>(
    [10, () => chance.pick(strangers[family])],
    [4, () => chance.pickAny(podAddresses[family]) ?? strangers[family][0]],
    [4, () => chance.pick(nodeAddresses[family])],
    [3, () => chance.pick(serviceAddresses[family])],
    [3, () => chance.pick(oddities[family])],
  );
}

/** The endpoint's own, but for what spoofs or is sent to many. */
function randomLocal(chance: Chance, endpoint: PlacedEndpoint, family: Family): Address {
  const own = chance.pickAny(endpoint.addresses.filter((address) => familyOf(address) === family));
  return chance.weighted<Address>(
    [30, () => own ?? podAddresses[family][0] ?? strangers[family][0]],
    [1, () => chance.pickAny(podAddresses[family]) ?? strangers[family][0]],
    [1, () => chance.pick(oddities[family])],
  );
}

function freshIdea(chance: Chance, endpoint: PlacedEndpoint): Idea {
  const family = chance.pick<Family>([4, 6]);
  const direction = chance.pick(directions);
  return {
    uid: endpoint.uid,
    direction,
    family,
    local: randomLocal(chance, endpoint, family),
    remote: randomRemote(chance, family),
    transport: randomTransport(chance, family, direction === "egress"),
  };
}

function reply(chance: Chance, idea: Idea): Idea {
  return {
    ...idea,
    direction: opposite(idea.direction),
    transport: replyTo(chance, idea.transport, idea.family),
  };
}

function again(chance: Chance, idea: Idea): Idea {
  const { transport } = idea;
  return transport.kind === "tcp" ? { ...idea, transport: { ...transport, flags: randomFlags(chance) } } : idea;
}

/** An ICMP error about a packet, by its receiver or a router on the way. */
function errorAbout(chance: Chance, idea: Idea): Idea {
  const packet = packetOf(idea);
  const quote = randomQuote(chance, packet);
  const type = chance.pick(icmpNumbers[idea.family].errors);
  const direction = chance.onceIn(15) ? idea.direction : opposite(idea.direction);
  const fromWay = chance.onceIn(3) ? { remote: randomRemote(chance, idea.family) } : {};
  return {
    ...idea,
    ...fromWay,
    direction,
    transport: { kind: "icmp", type, code: chance.onceIn(2) ? 0 : 4, id: 0, ...quotedOf(quote) },
    quote,
  };
}

function laterFragment(chance: Chance, idea: Idea, id: number): Idea {
  const { quote: _, ...rest } = idea;
  const offset = chance.weighted([6, () => 1480], [3, () => 24], [1, () => 8], [1, () => 65_528]);
  return {
    ...rest,
    transport: { kind: "fragment", protocol: protocolOf(idea) },
    fragment: { id, offset, more: chance.onceIn(3) },
  };
}

/** In IPv4 a fragment with nothing before and behind it is none. */
function firstFragment(chance: Chance, idea: Idea, id: number): Idea {
  if (idea.transport.kind === "fragment") return idea;
  return { ...idea, fragment: { id, offset: 0, more: idea.family === 4 || !chance.onceIn(4) } };
}

function maybeFragment(chance: Chance, idea: Idea): Idea {
  const id = chance.below(3);
  return chance.weighted<Idea>(
    [25, () => idea],
    [2, () => firstFragment(chance, idea, id)],
    [1, () => laterFragment(chance, idea, id)],
  );
}

function packetOf({ direction, family, local, remote, transport, fragment }: Idea): Packet {
  const [source, destination] = direction === "egress" ? [local, remote] : [remote, local];
  return {
    ...{ family, source, destination, transport, hopLimit: 64, length: 0, fromNode: false },
    ...(fragment === undefined ? {} : { fragment }),
  };
}

/** What real senders write, mostly: 255 for neighbour discovery, 1 for MLD (S-20). */
function randomHopLimit(chance: Chance, { family, transport }: Idea): number {
  const unusual = chance.onceIn(10) ? chance.pick([1, 64, 255]) : undefined;
  if (unusual !== undefined || transport.kind !== "icmp" || family === 4) return unusual ?? 64;
  if (transport.type >= 133 && transport.type <= 137) return 255;
  return (transport.type >= 130 && transport.type <= 132) || transport.type === 143 ? 1 : 64;
}

function sentOf(chance: Chance, idea: Idea): Sent {
  const { uid, direction, quote, remote } = idea;
  const plain = packetOf(idea);
  const shape = randomShape(chance, plain, quote);
  const likely = nodeAddresses[idea.family].includes(remote) ? 2 : 20;
  const packet: Packet = {
    ...plain,
    hopLimit: randomHopLimit(chance, idea),
    fromNode: direction === "ingress" && chance.onceIn(likely),
    ...(shape.fault === undefined ? {} : { broken: true }),
  };
  return { uid, direction, packet, shape };
}

/** Makes packets, many of which answer or follow ones that it made. */
export class PacketSource {
  readonly #chance: Chance;
  #recent: Idea[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** The next packet at one of the world's endpoints, of which there is one at least. */
  next({ endpoints }: World): Sent {
    const chance = this.#chance;
    const known = this.#recent.filter(({ uid }) => endpoints.some((endpoint) => endpoint.uid === uid));
    const before = chance.pickAny(known);
    const endpoint = chance.pickAny(endpoints);
    if (endpoint === undefined) throw new RangeError("a world without endpoints has no packets");
    const fresh = () => freshIdea(chance, endpoint);
    const idea = before === undefined || chance.onceIn(3) ? maybeFragment(chance, fresh()) : this.#follow(before);
    this.#remember(idea);
    return sentOf(chance, idea);
  }

  #follow(before: Idea): Idea {
    const chance = this.#chance;
    const { fragment } = before;
    return chance.weighted<Idea>(
      [8, () => reply(chance, withoutFragment(before))],
      [6, () => maybeFragment(chance, again(chance, withoutFragment(before)))],
      [3, () => errorAbout(chance, before)],
      [fragment === undefined ? 0 : 12, () => laterFragment(chance, before, fragment?.id ?? 0)],
    );
  }

  #remember(idea: Idea): void {
    if (idea.transport.kind === "fragment" || idea.quote !== undefined) return;
    this.#recent = [...this.#recent.slice(-23), idea];
  }
}

function withoutFragment({ fragment: _, ...idea }: Idea): Idea {
  return idea;
}
