import type { ConnectionRow } from "../../semantics/observation.ts";
import { exitCodes } from "../exit.ts";
import type { Terminal } from "../terminal.ts";
import { ask } from "./keeper/client.ts";

/** Left-aligned columns, two spaces apart; the last one is not padded. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

const protocolNames: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6" };

function connectionCells(pod: string, row: ConnectionRow): string[] {
  const name = protocolNames[row.protocol] ?? String(row.protocol);
  const end = (address: string, port: number): string =>
    row.family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
  const from = row.origin === "local" ? "pod" : "remote";
  return [
    pod,
    name,
    end(row.local, row.port),
    end(row.remote, row.remotePort),
    row.state,
    from,
    `${row.idle}s`,
    `${row.remaining}s`,
  ];
}

/** `sallyport lab conntrack [POD]`: the connection tables. */
export async function labConntrack(
  pod: string | undefined,
  options: { readonly name: string },
  terminal: Terminal,
): Promise<number> {
  const tables = await ask(options.name, { method: "conntrack", ...(pod === undefined ? {} : { pod }) });
  const rows = tables.flatMap((table) => table.rows.map((row) => connectionCells(table.pod, row)));
  terminal.out(columns([["POD", "PROTOCOL", "LOCAL", "REMOTE", "STATE", "BEGUN BY", "IDLE", "LEFT"], ...rows]));
  return exitCodes.success;
}

/** `sallyport lab status`: pods with their state and counters, and hosts. */
export async function labStatus(options: { readonly name: string }, terminal: Terminal): Promise<number> {
  const status = await ask(options.name, { method: "status" });
  terminal.out(`lab ${options.name}: ${status.scenario}, kept by process ${status.pid}\n\n`);
  const pods = status.pods.map((pod) => {
    const { conntrack_used: used, conntrack_max: max, conntrack_allowance_exceeded: exceeded } = pod.metrics;
    return [pod.name, pod.addresses.join(","), pod.state, `${used}/${max}`, String(exceeded), pod.message ?? ""];
  });
  terminal.out(columns([["POD", "ADDRESSES", "STATE", "CONNECTIONS", "EXCEEDED", "MESSAGE"], ...pods]));
  if (status.hosts.length > 0) {
    const hosts = status.hosts.map((host) => [host.name, host.addresses.join(",")]);
    terminal.out(`\n${columns([["HOST", "ADDRESSES"], ...hosts])}`);
  }
  return exitCodes.success;
}

/** `sallyport lab down`: ends a lab; returns when everything of it is gone. */
export async function labDown(options: { readonly name: string }, terminal: Terminal): Promise<number> {
  await ask(options.name, { method: "down" });
  terminal.out(`lab ${options.name} is down\n`);
  return exitCodes.success;
}
