import type { ConnectionRow } from "../../semantics/observation.ts";
import { type Packet, tcpFlags } from "../../semantics/packet.ts";
import type { EndpointPolicy, Peer, Service } from "../../semantics/policy.ts";
import type { Difference } from "./play.ts";
import type { Sequence, Step, World } from "./sequence.ts";
import type { QuoteShape } from "./shape.ts";
import type { Observation } from "./side.ts";

/** A sequence in words, one step a line or more. */
export function describeSequence({ tableSize, steps }: Sequence): string {
  const lines = steps.map((step, index) => `${String(index).padStart(3)}  ${describeStep(step)}`);
  return [`a table of ${tableSize} entries`, ...lines].join("\n");
}

/** What the two sides say. */
export function describeDifference(difference: Difference): string {
  switch (difference.kind) {
    case "verdict":
      return [
        `step ${difference.step}: the verdicts differ`,
        `  model:  ${JSON.stringify(difference.model)}`,
        `  kernel: ${JSON.stringify(difference.kernel)}`,
      ].join("\n");
    case "state":
      return [
        `after step ${difference.step}: what is seen of ${difference.uid} differs`,
        ...describeMetrics(difference.model, difference.kernel),
        ...onlyIn(difference.model.connections, difference.kernel.connections, "model "),
        ...onlyIn(difference.kernel.connections, difference.model.connections, "kernel"),
      ].join("\n");
  }
}

function describeMetrics(model: Observation, kernel: Observation): string[] {
  const theirs: Readonly<Record<string, unknown>> = { ...kernel.metrics };
  return Object.entries(model.metrics)
    .map(([name, value]) => [name, JSON.stringify(value), JSON.stringify(theirs[name])] as const)
    .filter(([, ours, other]) => ours !== other)
    .map(([name, ours, other]) => `  ${name}: model ${ours}, kernel ${other}`);
}

function onlyIn(rows: readonly ConnectionRow[], others: readonly ConnectionRow[], side: string): string[] {
  const known = new Set(others.map((row) => JSON.stringify(row)));
  const texts = rows.map((row) => JSON.stringify(row));
  return texts.filter((text) => !known.has(text)).map((text) => `  only ${side}: ${text}`);
}

function describeStep(step: Step): string {
  switch (step.kind) {
    case "advance":
      return `advance ${step.seconds} s${step.sweeps ? "" : ", without a sweep"}`;
    case "packet": {
      const shape = Object.entries(step.shape).filter(([name]) => name !== "quote");
      const extras = shape.map(([name, value]) => `${name} ${JSON.stringify(value)}`);
      return [
        `packet ${step.uid} ${step.direction}: ${describePacket(step.packet)}`,
        ...extras,
        ...describeQuote(step.shape.quote),
      ].join(", ");
    }
    case "program":
      return [`program (${step.because})`, ...describeWorld(step.world)].join("\n     ");
  }
}

function describeQuote(quote: QuoteShape | undefined): string[] {
  if (quote === undefined) return [];
  const { packet, transport, spilt, ...others } = quote;
  const extras = Object.entries(others).map(([name, value]) => `, ${name} ${JSON.stringify(value)}`);
  const rest = spilt === true ? ", the rest spilt" : "";
  return [`quoting ${transport} bytes${rest} of (${describePacket(packet)}${extras.join("")})`];
}

function describePacket({ source, destination, transport, hopLimit, fragment, fromNode, broken }: Packet): string {
  const marks = [
    hopLimit === 64 ? "" : `hop limit ${hopLimit}`,
    fragment === undefined ? "" : `fragment ${fragment.id} at ${fragment.offset}${fragment.more ? ", more" : ""}`,
    fromNode ? "from the node's stack" : "",
    broken ? "broken" : "",
  ].filter((mark) => mark !== "");
  return [`${describeTransport(transport)} ${source} → ${destination}`, ...marks].join(", ");
}

function describeTransport(transport: Packet["transport"]): string {
  switch (transport.kind) {
    case "tcp":
      return `tcp ${transport.sourcePort} → ${transport.port} [${flagNames(transport.flags)}]`;
    case "udp":
      return `udp ${transport.sourcePort} → ${transport.port}`;
    case "icmp":
      return `icmp ${transport.type}/${transport.code} id ${transport.id}${transport.quoted ? " with a quote" : ""}`;
    case "other":
      return `protocol ${transport.protocol}`;
    case "fragment":
      return `later fragment of protocol ${transport.protocol}`;
  }
}

function flagNames(flags: number): string {
  return Object.entries(tcpFlags)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join();
}

function describeWorld({ state, node, endpoints }: World): string[] {
  const { config, ruleSets, acls, addressSets } = state;
  const policies = new Map(state.node.endpoints.map((policy) => [policy.pod.uid, policy]));
  return [
    ...endpoints.map(
      ({ uid, link, addresses, adopt }) =>
        `${uid} at ${link} (${addresses.join(" ")}${adopt ? ", adopts" : ""}): ${describePolicy(policies.get(uid))}`,
    ),
    ...ruleSets.flatMap(({ name, rules }) =>
      rules.map((rule) => `${name}: ${rule.direction} ${describeService(rule.service)}, ${describePeer(rule.peer)}`),
    ),
    ...acls.flatMap(({ name, rules }) =>
      rules.map(
        ({ number, action, direction, service, cidr }) =>
          `${name} ${number}: ${action} ${direction} ${describeService(service)}, ${cidr}`,
      ),
    ),
    ...addressSets.map((set) => JSON.stringify(set)),
    `node: ${node.nodeAddresses.join(" ")}; ${JSON.stringify(config)}`,
  ];
}

function describePolicy(policy: EndpointPolicy | undefined): string {
  if (policy === undefined) return "no policy";
  const { ruleSet, acl, closed, allowances, trackedPorts } = policy;
  return JSON.stringify({ ruleSet, acl, closed, ...allowances, trackedPorts });
}

function describePeer(peer: Peer): string {
  if ("cidr" in peer) return peer.cidr;
  return "group" in peer ? `group ${peer.group}` : `prefix list ${peer.prefixList}`;
}

function describeService({ protocol, ports, icmp }: Service): string {
  if (ports !== undefined) return `${protocol} ${ports.from}–${ports.to}`;
  return icmp === undefined ? String(protocol) : `${protocol} ${icmp.type}/${icmp.code}`;
}
