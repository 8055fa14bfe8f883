import { writeFileSync } from "node:fs";
import { interfaceIndex, ip } from "../../datapath/loader/test/sandbox.ts";
import { Netns } from "./netns.ts";

/** One of the two pods that a router stands between. */
export interface Station {
  readonly netns: Netns;
  readonly address: string;
  readonly mac: string;
  /** The router's end of the veth pair. */
  readonly port: { readonly ifindex: number; readonly mac: string };
}

/** Name of each station's own interface. */
const device = "eth0";

function sysctl(name: string, value: number): void {
  writeFileSync(`/proc/sys/net/${name}`, `${value}`);
}

/** Adds a station to the router whose namespace this is. */
async function addStation(number: 1 | 2): Promise<Station> {
  const netns = new Netns();
  const name = `station${number}`;
  const [address, gateway] = [`198.18.${number}.2`, `198.18.${number}.1`];
  const [mac, portMac] = [`02:00:00:00:0${number}:02`, `02:00:00:00:0${number}:01`];
  ip(`link add ${name} address ${portMac} type veth peer name ${device} address ${mac} netns ${netns.path}`);
  ip(`address add ${gateway}/24 dev ${name}`);
  ip(`link set ${name} up`);
  ip(`neighbour add ${address} lladdr ${mac} dev ${name} nud permanent`);
  await netns.run(() => {
    sysctl("ipv6/conf/all/disable_ipv6", 1);
    ip(`address add ${address}/24 dev ${device}`);
    ip(`link set ${device} up`);
    ip(`route add default via ${gateway}`);
  });
  return { netns, address, mac, port: { ifindex: interfaceIndex(name), mac: portMac } };
}

/** A node that forwards between two pods, each behind a veth pair. What filters there is put there by others. */
export interface Router {
  readonly netns: Netns;
  readonly client: Station;
  readonly server: Station;
}

/** Makes one, in namespaces of its own. */
export async function makeRouter(): Promise<Router> {
  const netns = new Netns();
  return netns.run(async () => {
    sysctl("ipv6/conf/all/disable_ipv6", 1);
    sysctl("ipv4/ip_forward", 1);
    return { netns, client: await addStation(1), server: await addStation(2) };
  });
}

/** Has TCP send a packet for each segment, as to a wire without offloads. */
export async function turnOffloadsOff({ client, server }: Router): Promise<void> {
  for (const { netns } of [client, server]) {
    await netns.run(() => ip(`link set ${device} gso_max_segs 1`));
  }
}

/** Index of a station's own interface, in its own namespace. */
export function stationIndex({ netns }: Station): Promise<number> {
  return netns.run(() => interfaceIndex(device));
}
