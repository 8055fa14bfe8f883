/** A run that is killed while it holds everything that a run holds; says what that is, once all is up. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { KernelEngine } from "../kernel.ts";
import { client, conversation, endpoints, free, stateOf, stranger, web } from "./fixture.ts";

/** What of a run would outlive it if it leaked. */
export interface Holdings {
  readonly agentPid: number;
  /** Ids of the agent's maps. */
  readonly maps: readonly number[];
  /** Network namespaces, as `/proc/PID/ns/net` names them. */
  readonly namespaces: readonly string[];
}

function mapsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/fdinfo`).flatMap((fd) => {
    const id = /^map_id:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1];
    return id === undefined ? [] : [Number(id)];
  });
}

if (import.meta.main) {
  const engine = new KernelEngine({ clock: "standing" });
  await engine.begin({ tableSize: 64 });
  for (const machine of [web, free, client, stranger]) await engine.addMachine(machine);
  await engine.program(stateOf(), endpoints);
  await engine.connect(conversation("ssh", [client, web], 6, 22));
  const agentPid = engine.agentPid ?? 0;
  const holdings: Holdings = {
    agentPid,
    maps: mapsOf(agentPid),
    namespaces: [web, free, client, stranger].map((machine) => readlinkSync(engine.netns(machine))),
  };
  process.stdout.write(`${JSON.stringify(holdings)}\n`);
  // Until it is killed.
  setInterval(() => {}, 60_000);
}
