import { readFileSync } from "node:fs";
import { constants } from "../../datapath/agent/abi.generated.ts";
import { makeStruct } from "../../datapath/agent/bytes.ts";
import type { Datapath } from "../../datapath/agent/datapath.ts";
import type { BpfMap } from "../../datapath/loader/ports.ts";

const tcp = 6;

/** Gives each endpoint `each` established connections. */
export function fillConnections(datapath: Datapath, each: number): void {
  const word = (BigInt(constants.STATE_ESTABLISHED) << 32n) | BigInt(datapath.now());
  for (const index of datapath.endpoints.used()) {
    const endpoint = datapath.endpoints.at(index);
    for (let flow = 0; flow < each; flow++) {
      const key = makeStruct("connection_key");
      key.window("remote", 4).set([198, 19, flow >> 8, flow & 255]);
      key.setU32("endpoint", endpoint.u32("id"));
      key.setU16("local_port", 443);
      key.setU16("remote_port", 1024 + (flow & 0x3fff));
      key.setU16("serial", endpoint.u16("ipv4_serial"));
      key.window("protocol", 1)[0] = tcp;
      if (!datapath.adopt(key, word)) throw new Error(`no room for connection ${flow} of endpoint ${index}`);
    }
  }
}

/** Bytes that a map holds in the kernel, as the kernel accounts for it. */
export function memoryOf(map: BpfMap): number {
  const text = readFileSync(`/proc/self/fdinfo/${map.fd}`, "utf8");
  return Number(/^memlock:\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN);
}
