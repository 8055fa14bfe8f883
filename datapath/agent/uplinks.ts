import { listNetwork, type NetlinkObject, partsOf } from "../loader/rtnetlink.ts";

/** An interface by which packets leave the node, and the kinds of its qdiscs. */
export interface Uplink {
  readonly name: string;
  readonly qdiscs: readonly string[];
}

/** IFLA_IFNAME, RTA_OIF, RTA_MULTIPATH, TCA_KIND. */
const attributeTypes = { interfaceName: 3, outInterface: 4, nextHops: 9, qdiscKind: 1 } as const;
/** RTN_UNICAST: other routes lead nowhere. */
const unicast = 1;
/** RT_TABLE_MAIN. */
const mainTable = 254;
/** TC_H_INGRESS: clsact, which queues nothing. */
const besideTheQueue = 0xfffffff1;
/** sizeof(struct rtnexthop). */
const nextHopSize = 8;

const decoder = new TextDecoder();

/** A string without the zero that ends it. */
function textOf({ attributes }: NetlinkObject, type: number): string {
  return decoder.decode(attributes.get(type)).replace(/\0$/, "");
}

function isDefaultRoute({ header }: NetlinkObject): boolean {
  const [prefixLength, table, kind] = [header.getUint8(1), header.getUint8(4), header.getUint8(7)];
  return prefixLength === 0 && table === mainTable && kind === unicast;
}

/** Interface indices of a route: one, or one for each next hop. */
function interfacesOf({ attributes }: NetlinkObject): readonly number[] {
  const single = attributes.get(attributeTypes.outInterface);
  if (single !== undefined) return [single.getInt32(0, true)];
  const hops = attributes.get(attributeTypes.nextHops);
  if (hops === undefined) return [];
  const lengthOf = (hop: DataView): number => hop.getUint16(0, true);
  return [...partsOf(hops, lengthOf, nextHopSize)].map((hop) => hop.getInt32(4, true));
}

/** The interfaces of the default routes of the caller's network namespace. */
export function readUplinks(): readonly Uplink[] {
  const links = listNetwork("links");
  const qdiscs = listNetwork("qdiscs").filter(({ header }) => header.getUint32(12, true) !== besideTheQueue);
  const indices = new Set(listNetwork("routes").filter(isDefaultRoute).flatMap(interfacesOf));
  const isOf = (index: number) => (object: NetlinkObject) => object.header.getInt32(4, true) === index;
  return links
    .filter(({ header }) => indices.has(header.getInt32(4, true)))
    .map((link) => ({
      name: textOf(link, attributeTypes.interfaceName),
      qdiscs: qdiscs
        .filter(isOf(link.header.getInt32(4, true)))
        .map((qdisc) => textOf(qdisc, attributeTypes.qdiscKind)),
    }));
}

/** Why packets can't wait for their time on these interfaces, in words; undefined: they can. */
export function queueingProblem(uplinks: readonly Uplink[]): string | undefined {
  if (uplinks.length === 0) return "there is no default route to tell by which interface packets leave the node";
  for (const { name, qdiscs } of uplinks) {
    // mq only spreads packets over the device's queues, each of which has a qdisc of its own.
    const queues = qdiscs.filter((kind) => kind !== "mq");
    if (queues.length === 0 || queues.some((kind) => kind !== "fq"))
      return `${name} has the qdisc ${qdiscs.join(", ") || "none"}: give it fq (tc-fq(8)) and start the agent again`;
  }
  return undefined;
}
