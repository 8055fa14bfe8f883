import type { Address, Family } from "../../../semantics/policy.ts";
import { nodeMachine } from "../node.ts";
import { familyOf } from "../packets.ts";
import type { Machine } from "../ports.ts";
import { runIp } from "./ip.ts";
import { NetworkNamespace } from "./namespace.ts";
import { nodeParameters } from "./parameters.ts";
import { hush } from "./quiet.ts";
import { Station } from "./station.ts";

/** The node's namespace, which has no way out, and the machines on its links. */
export class Network {
  readonly node = new NetworkNamespace();
  readonly #quiet: boolean;
  readonly #stations = new Map<string, Station>();
  #links = 0;

  /** `quiet`: no stack answers what steps did not ask it to. */
  constructor(quiet: boolean) {
    this.#quiet = quiet;
    this.node.configure(nodeParameters);
    runIp(this.node, [
      "link set lo up",
      ...nodeMachine.addresses.filter(isGlobal).map((address) => `addr add ${address} dev lo`),
      "route add blackhole default",
      "route add blackhole ::/0",
    ]);
    if (quiet) hush(this.node);
  }

  add(machine: Machine): Station {
    this.#links += 1;
    const station = new Station(machine, this.node, this.#links, this.#quiet);
    this.#stations.set(keyOf(machine), station);
    return station;
  }

  /** Takes a machine away with its link; when this is done, nothing can reach it. */
  async remove(machine: Machine): Promise<void> {
    const station = this.station(machine);
    this.#stations.delete(keyOf(machine));
    station.unlink();
    await station.close();
  }

  /** The namespace and link of a machine that was added. */
  station(machine: Machine): Station {
    const station = this.#stations.get(keyOf(machine));
    if (station === undefined) throw new Error(`${machine.kind} ${machine.name} is not there; add it first`);
    return station;
  }

  namespaceOf(machine: Machine): NetworkNamespace {
    return machine.kind === "node" ? this.node : this.station(machine).namespace;
  }

  /**
   * Sends packets for an address to a machine that does not have it, as an attacker on the link could. Returns how to
   * end that; undefined where the address is the machine's own.
   */
  detour(address: Address, station: Station): (() => void) | undefined {
    if (station.machine.addresses.includes(address) || !isGlobal(address)) return undefined;
    const owner = [...this.#stations.values()].find(({ machine }) => machine.addresses.includes(address));
    const neighbour = `${address} dev ${station.link}`;
    runIp(this.node, [
      `neigh replace ${address} lladdr ${station.endText} dev ${station.link} nud permanent`,
      `route replace ${neighbour}`,
    ]);
    return () =>
      runIp(this.node, [
        `neigh del ${neighbour}`,
        owner === undefined ? `route del ${neighbour}` : `route replace ${address} dev ${owner.link}`,
      ]);
  }

  /** Takes all machines away. The kernel removes their links a little later, while others are being made. */
  async clear(): Promise<void> {
    const stations = [...this.#stations.values()];
    this.#stations.clear();
    await Promise.all(stations.map((station) => station.close()));
  }

  async close(): Promise<void> {
    await this.clear();
    this.node.close();
  }
}

const keyOf = (machine: Machine): string => machine.uid ?? `${machine.kind} ${machine.name}`;

/** Whether a router forwards to the address: neither link-local nor multicast nor broadcast. */
function isGlobal(address: Address): boolean {
  const family: Family = familyOf(address);
  if (family === 6) return !/^(fe[89ab]|ff)/.test(address);
  return Number(address.split(".")[0]) < 224;
}
