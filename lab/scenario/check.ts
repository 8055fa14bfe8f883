import type { ConnectionRow } from "../../semantics/observation.ts";
import type { Verdict } from "../../semantics/verdict.ts";
import type { Metrics, Sighting } from "../engine/ports.ts";
import type { ConnectExpectation, ConnectionExpectation, DeliveryExpectation, MetricName } from "./expectation.ts";

/** An expectation that did not hold, in words. */
export interface Mismatch {
  readonly expected: string;
  readonly happened: string;
}

/** What a packet, flood, connection or exchange came to, as expectations see it. */
export interface Outcome {
  readonly word: "delivered" | "connected";
  /** `true`/`false` for one packet, a number for more; for `connect`, whether it connected. */
  readonly result: boolean | number;
  readonly verdict: Verdict | undefined;
  /** The sighting that the verdict is from. */
  readonly sighting: Sighting | undefined;
}

/**
 * The verdict that tracking and reason are read from: of the side that dropped the packet, else of the pod named
 * `at`, else of the receiving pod, else of the sending one.
 */
export function decisiveSighting(sightings: readonly Sighting[], at: string | undefined): Sighting | undefined {
  const dropped = sightings.find((sighting) => !sighting.verdict.pass);
  if (dropped !== undefined) return dropped;
  const named = at === undefined ? undefined : sightings.find((sighting) => sighting.uid === at);
  return named ?? sightings.find((sighting) => sighting.direction === "ingress") ?? sightings[0];
}

/** Compares what one step came to with what it should. */
export function checkOutcome(outcome: Outcome, expect: DeliveryExpectation | ConnectExpectation): Mismatch | undefined {
  const wanted = "connected" in expect ? expect.connected : "delivered" in expect ? expect.delivered : undefined;
  const result = typeof wanted === "number" ? Number(outcome.result) : outcome.result;
  const rows = [
    { name: outcome.word, wanted, got: result },
    { name: "tracking", wanted: expect.tracking, got: outcome.verdict?.tracking ?? "no verdict" },
    { name: "reason", wanted: expect.reason, got: outcome.verdict?.reason ?? "no verdict" },
  ];
  if (rows.every((row) => row.wanted === undefined || row.wanted === row.got)) return undefined;
  return {
    expected: rows.flatMap((row) => (row.wanted === undefined ? [] : [`${row.name} ${row.wanted}`])).join(", "),
    happened: rows.map((row) => `${row.name} ${row.got}`).join(", "),
  };
}

/** Compares counters and gauges; those that differ are named. */
export function checkMetrics(
  metrics: Metrics,
  wanted: Readonly<Partial<Record<MetricName, number | undefined>>>,
): Mismatch | undefined {
  const wrong = (Object.entries(wanted) as [MetricName, number | undefined][]).filter(
    ([name, value]) => value !== undefined && metrics[name] !== value,
  );
  if (wrong.length === 0) return undefined;
  return {
    expected: wrong.map(([name, value]) => `${name} ${value}`).join(", "),
    happened: wrong.map(([name]) => `${name} ${metrics[name]}`).join(", "),
  };
}

const protocolNames: Readonly<Record<number, string>> = { 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6" };

/** One row of a connection table in words: `tcp 10.244.0.10:22 ↔ 203.0.113.1:50000 established`. */
export function describeRow(row: ConnectionRow): string {
  const name = protocolNames[row.protocol] ?? `protocol ${row.protocol}`;
  const ends =
    row.protocol === 6 || row.protocol === 17
      ? [`port ${row.port}`, `${row.remote} port ${row.remotePort}`]
      : [`id ${row.port}`, row.remote];
  return `${name} ${ends.join(" ↔ ")} ${row.state}`;
}

function describeWanted(row: ConnectionExpectation): string {
  const name = protocolNames[row.protocol] ?? `protocol ${row.protocol}`;
  const parts = [
    ...(row.port === undefined ? [] : [`port ${row.port}`]),
    `↔ ${row.remote}`,
    ...(row.remotePort === undefined ? [] : [`port ${row.remotePort}`]),
    ...(row.state === undefined ? [] : [row.state]),
  ];
  return `${name} ${parts.join(" ")}`;
}

/** Finds an assignment of each wanted row to a row of its own (a wanted row may fit several). */
function assign(fits: readonly (readonly number[])[]): boolean {
  const owner = new Map<number, number>();
  const place = (wanted: number, seen: Set<number>): boolean =>
    (fits[wanted] ?? []).some((row) => {
      if (seen.has(row)) return false;
      seen.add(row);
      const holder = owner.get(row);
      if (holder !== undefined && !place(holder, seen)) return false;
      owner.set(row, wanted);
      return true;
    });
  return fits.every((_, wanted) => place(wanted, new Set()));
}

/** Compares a pod's whole table, in any order. `addressesOf` gives the addresses that a remote's name stands for. */
export function checkConnections(
  rows: readonly ConnectionRow[],
  wanted: readonly ConnectionExpectation[],
  addressesOf: (remote: string) => readonly string[],
): Mismatch | undefined {
  const fits = wanted.map((want) => {
    const addresses = addressesOf(want.remote);
    return rows.flatMap((row, index) => {
      const matches =
        row.protocol === want.protocol &&
        addresses.includes(row.remote) &&
        (want.port === undefined || want.port === row.port) &&
        (want.remotePort === undefined || want.remotePort === row.remotePort) &&
        (want.state === undefined || want.state === row.state) &&
        (want.family === undefined || want.family === row.family);
      return matches ? [index] : [];
    });
  });
  if (rows.length === wanted.length && assign(fits)) return undefined;
  const list = (texts: readonly string[]): string =>
    texts.length === 0 ? "no connections" : `connections: ${texts.join("; ")}`;
  return { expected: list(wanted.map(describeWanted)), happened: list(rows.map(describeRow)) };
}
