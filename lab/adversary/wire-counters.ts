import { readdirSync, readFileSync } from "node:fs";
import { constants, structs } from "../../datapath/agent/abi.generated.ts";
import { StructView, sumCpus, u32Bytes } from "../../datapath/agent/bytes.ts";
import { openBpf } from "../../datapath/loader/open.ts";
import type { BpfMap } from "../../datapath/loader/ports.ts";
import type { Direction } from "../../semantics/policy.ts";

/** The kernel keeps so many characters of a map's name. */
const keptCharacters = 15;

/** Ids of the maps that a process holds open, each once. */
export function mapIdsOf(pid: number): number[] {
  const ids = readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const id = /^map_id:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
    return id === undefined ? [] : [Number(id)];
  });
  return [...new Set(ids)];
}

function openByName(pid: number, name: string): BpfMap {
  const bpf = openBpf();
  for (const id of mapIdsOf(pid)) {
    const map = bpf.openMap(id);
    if (map.name === name.slice(0, keptCharacters)) return map;
    map.close();
  }
  throw new Error(`process ${pid} holds no map ${name}`);
}

/** Packets and bytes of one endpoint and direction, as they are on a wire. */
export interface WireCount {
  readonly packets: number;
  readonly bytes: number;
}

/** Reads what the datapath counted, by an endpoint's interface, out of the maps of a running agent. */
export class WireCounters {
  readonly #endpoints: BpfMap;
  readonly #counters: BpfMap;

  constructor(agentPid: number) {
    this.#endpoints = openByName(agentPid, "endpoints");
    this.#counters = openByName(agentPid, "endpoint_counters");
  }

  /** Of what passed; of all else with `passed` false. */
  read(ifindex: number, direction: Direction, passed = true): WireCount {
    const values = this.#counters.lookup(u32Bytes(this.#indexOf(ifindex))) ?? new Uint8Array();
    const { size, fields } = structs.endpoint_counters;
    const way = direction === "egress" ? constants.DIRECTION_EGRESS : constants.DIRECTION_INGRESS;
    const packets = Array.from({ length: constants.REASONS }, (_, reason) => reason)
      .filter((reason) => reason <= constants.REASON_UNFILTERED === passed)
      .reduce((sum, reason) => sum + sumCpus(values, size, fields.packets + (way * constants.REASONS + reason) * 8), 0);
    return { packets, bytes: sumCpus(values, size, fields.bytes + (way * 2 + (passed ? 1 : 0)) * 8) };
  }

  close(): void {
    this.#endpoints.close();
    this.#counters.close();
  }

  #indexOf(ifindex: number): number {
    for (let probe = 0; probe < constants.ENDPOINT_PROBES; probe++) {
      const slot = u32Bytes((ifindex + probe) & (this.#endpoints.maxEntries - 1));
      const value = this.#endpoints.lookup(slot);
      if (value === undefined) continue;
      const endpoint = new StructView("endpoint", value.buffer, value.byteOffset);
      if (endpoint.u32("ifindex") === ifindex) return endpoint.u32("counters");
    }
    throw new Error(`no endpoint has interface ${ifindex}`);
  }
}
