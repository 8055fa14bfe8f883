import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Agent } from "../../datapath/agent/agent.ts";
import { Datapath } from "../../datapath/agent/datapath.ts";
import { openBpf } from "../../datapath/loader/open.ts";
import { sandboxBpffs } from "../../datapath/loader/test/sandbox.ts";
import type { CompiledState, GroupKey, Rule } from "../../semantics/policy.ts";
import { plainConfig } from "../../semantics/test/config.ts";
import { address } from "../packets.ts";
import { cidr } from "../policy.ts";
import type { Router, Station } from "./router.ts";

/** What filters in the router. */
export const filters = ["none", "nftables", "sallyport"] as const;
export type Filter = (typeof filters)[number];

/** What a filter holds the client to. */
export interface Limits {
  /** Connections that the client may have; absent: as many as there is room for. */
  readonly connections?: number;
}

const object = fileURLToPath(new URL("../../build/bpf/sallyport.bpf.o", import.meta.url));
const tableSize = 1_048_576;
/** Seconds; no flow ends while it is measured. */
const idle = 3600;

/** Peers that both filters know beside the stations: a thousand in all, as a security group's members. */
const peers = Array.from({ length: 998 }, (_, i) => `203.0.${100 + (i >> 8)}.${i & 255}`);

/** Connections that the kernel's own tracking can keep in one namespace. */
export function conntrackMax(): number {
  return Number(readFileSync("/proc/sys/net/netfilter/nf_conntrack_max", "utf8"));
}

/** Whether nftables is installed. */
export function hasNft(): boolean {
  try {
    execFileSync("nft", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function startNft({ client, server }: Router, { connections }: Limits): void {
  const elements = [client.address, server.address, ...peers].join(", ");
  // Where it costs least: only new connections meet it.
  const limit = connections === undefined ? "" : `ct state new ct count over ${connections} drop`;
  execFileSync("nft", ["-f", "-"], {
    input: `table ip bench {
      set peers { type ipv4_addr; elements = { ${elements} } }
      chain forward {
        type filter hook forward priority 0; policy drop;
        ct state established accept
        ${limit}
        ip saddr @peers accept
      }
    }`,
  });
  for (const timeout of ["udp_timeout", "udp_timeout_stream"]) {
    writeFileSync(`/proc/sys/net/netfilter/nf_conntrack_${timeout}`, `${idle}`);
  }
}

const group = "bench/peers" as GroupKey;

function peerRules(): Rule[] {
  const services = [17, 6].map((protocol) => ({ protocol, ports: { from: 1, to: 65_535 } }));
  return services.flatMap((service) =>
    (["ingress", "egress"] as const).map((direction): Rule => {
      return { direction, service, peer: { prefixList: "peers" }, origin: { group, rule: 0, peer: 0 } };
    }),
  );
}

const plenty = 4_000_000;

function stateFor({ client, server }: Router, { connections = plenty }: Limits): CompiledState {
  const timeouts = { tcpEstablished: idle, udpStream: idle, udp: idle };
  const endpoint = (name: string, conntrackMax: number) => ({
    pod: { namespace: "bench", name, uid: name },
    ruleSet: "peers",
    allowances: { conntrackMax, timeouts },
    trackedPorts: [],
  });
  const cidrs = [client.address, server.address, ...peers].map((one) => cidr(`${one}/32`));
  return {
    config: plainConfig,
    ruleSets: [{ name: "peers", revision: "1", groups: [group], rules: peerRules() }],
    acls: [],
    addressSets: [{ kind: "prefixList", name: "peers", prefixList: "peers", cidrs }],
    node: { node: "bench", endpoints: [endpoint("client", connections), endpoint("server", plenty)] },
  };
}

let starts = 0;

async function startSallyport(router: Router, limits: Limits): Promise<() => void> {
  const pins = join(sandboxBpffs, `forwarding-${starts++}`);
  mkdirSync(pins);
  const datapath = new Datapath({ bpf: openBpf(), object, pins, clock: "running", tableSize, endpointSlots: 64 });
  const agent = new Agent(datapath, { attach: true });
  const attachment = (uid: string, station: Station) => {
    return { uid, ifindex: station.port.ifindex, addresses: [address(station.address)], adopt: false };
  };
  const statuses = await agent.program(stateFor(router, limits), { nodeAddresses: [] }, [
    attachment("client", router.client),
    attachment("server", router.server),
  ]);
  const closed = statuses.find(({ state }) => state !== "Programmed");
  if (closed !== undefined) throw new Error(`pod ${closed.uid} is not programmed: ${closed.message}`);
  return () => agent.close();
}

/** Puts a filter into a router. Returns what ends this process's part of it; the rest ends with the namespaces. */
export function startFilter(filter: Filter, router: Router, limits: Limits): Promise<() => void> {
  return router.netns.run(async () => {
    switch (filter) {
      case "none":
        return () => {};
      case "nftables":
        startNft(router, limits);
        return () => {};
      case "sallyport":
        return startSallyport(router, limits);
    }
  });
}
