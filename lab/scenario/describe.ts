import { tcpFlags } from "../../semantics/packet.ts";
import type { PacketAction } from "./actions.ts";
import type { Action } from "./scenario.ts";

const protocolNames: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6" };

/** Name of a protocol number, as scenarios write it. */
function protocolName(number: number): string {
  return protocolNames[number] ?? `protocol ${number}`;
}

function flagNames(bits: number): string {
  const names = Object.entries(tcpFlags).flatMap(([name, bit]) => ((bits & bit) === 0 ? [] : [name]));
  return names.length === 0 ? "no flags" : names.join(",");
}

function describePacket(packet: PacketAction): string {
  const parts = [protocolName(packet.protocol)];
  if (packet.flags !== undefined) parts.push(flagNames(packet.flags));
  if (packet.type !== undefined) parts.push(`type ${packet.type}`);
  if (packet.code !== undefined) parts.push(`code ${packet.code}`);
  if (packet.id !== undefined) parts.push(`id ${packet.id}`);
  if (packet.fragment !== undefined) parts.push(`fragment at ${packet.fragment.offset}`);
  const source = [
    packet.sourceAddress ?? packet.from,
    ...(packet.sourcePort === undefined ? [] : [`port ${packet.sourcePort}`]),
  ];
  const destination = [packet.address ?? packet.to, ...(packet.port === undefined ? [] : [`port ${packet.port}`])];
  const count = packet.count > 1 ? `${packet.count} × ` : "";
  return `${count}${parts.join(" ")} ${source.join(" ")} → ${destination.join(" ")}`;
}

/** One step in words, for reports. */
export function describeAction(action: Action): string {
  switch (action.kind) {
    case "apply":
      return `apply ${action.manifests.map((manifest) => manifest.title).join(", ")}`;
    case "delete":
      return `delete ${action.target.kind} ${action.target.namespace === undefined ? "" : `${action.target.namespace}/`}${action.target.name}`;
    case "pod":
      return `pod ${action.pod.name}`;
    case "removePod":
      return `removePod ${action.pod}`;
    case "packet":
      return `packet ${describePacket(action.packet)}`;
    case "connect": {
      const { connect } = action;
      return `connect ${connect.name}: ${protocolName(connect.protocol)} ${connect.from} → ${connect.to} port ${connect.port}`;
    }
    case "exchange":
      return `exchange ${action.exchange.name}`;
    case "close":
      return `close ${action.close.name} (${action.close.how})`;
    case "flood": {
      const { flood } = action;
      const port = flood.port === undefined ? "" : ` port ${flood.port}`;
      return `flood ${flood.flows} × ${protocolName(flood.protocol)} ${flood.from} → ${flood.to}${port}`;
    }
    case "advance":
      return `advance ${action.seconds} s`;
    case "restartAgent":
      return "restartAgent";
    case "expect":
      return `expect of ${action.expect.pod}`;
  }
}
