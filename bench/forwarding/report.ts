import type { Figures } from "./measure.ts";

const widths = [30, 11, 12, 12, 12, 16] as const;

function line(cells: readonly string[]): string {
  return widths.map((width, i) => (cells[i] ?? "")[i === 0 ? "padEnd" : "padStart"](width)).join(" ");
}

/** What stands above the figures. */
export function heading(withNft: boolean): string {
  return [
    "Forwarding between two pods of a node, filtered at both. Microseconds that a filter adds to what a packet costs",
    "without one, the share that it leaves of a stream, and ours over nftables'. nftables: ct state established accept",
    "and a set of 1,000 addresses, for the allowance ct count; Sallyport: a prefix list of the same addresses.",
    ...(withNft ? [] : ["nftables is not installed and left out; apt-get install nftables brings it."]),
    "",
    line(["", "none", "nftables", "sallyport", "of nftables", "goal"]),
    line(widths.map((width) => "-".repeat(width))),
  ].join("\n");
}

function micros(nanoseconds: number | undefined, sign: "+" | "" = ""): string {
  return nanoseconds === undefined ? "-" : `${sign}${(nanoseconds / 1000).toFixed(2)} µs`;
}

function ratio(ours: number, others: number | undefined): string {
  return others === undefined ? "-" : (ours / others).toFixed(2);
}

function read(figures: Figures) {
  const [none = Number.NaN, ours = Number.NaN] = [figures.get("none"), figures.get("sallyport")];
  return { none, ours, nft: figures.get("nftables") };
}

/** A packet that goes through; `goal` is in nanoseconds added. */
export function describeCost(name: string, figures: Figures, goal: number): string {
  const { none, ours, nft } = read(figures);
  const added = ours - none;
  const addedByNft = nft === undefined ? undefined : nft - none;
  const verdict = `${added > goal ? "missed " : ""}≤ ${micros(goal, "+")}`;
  return line([name, micros(none), micros(addedByNft, "+"), micros(added, "+"), ratio(added, addedByNft), verdict]);
}

/** A packet that is dropped, at its whole cost: without a filter it would go on. */
export function describeDrop(name: string, figures: Figures): string {
  const { none, ours, nft } = read(figures);
  return line([name, micros(none), micros(nft), micros(ours), ratio(ours, nft)]);
}

/** `goal` is a share of what there is without a filter. */
export function describeStream(name: string, figures: Figures, goal: number): string {
  const { none, ours, nft } = read(figures);
  const share = (rate: number | undefined) => (rate === undefined ? "-" : `× ${(rate / none).toFixed(2)}`);
  const verdict = `${ours / none < goal ? "missed " : ""}≥ × ${goal}`;
  return line([name, `${none.toFixed(0)} Mb/s`, share(nft), share(ours), ratio(ours, nft), verdict]);
}
