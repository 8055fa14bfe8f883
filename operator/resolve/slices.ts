import type { Cidr } from "../../semantics/policy.ts";

/** Most addresses in one slice. */
export const sliceSize = 100;

/** Addresses by slice number. */
export type Slices = ReadonlyMap<number, readonly Cidr[]>;

function firstWithRoom(slices: ReadonlyMap<number, Set<Cidr>>, wanted: number): number {
  for (let index = 0; ; index += 1) if ((slices.get(index)?.size ?? 0) + wanted <= sliceSize) return index;
}

/**
 * Cuts the addresses of members into slices. Who is in a slice stays there; who comes goes where its other addresses
 * are, else into the first slice with room: a member that comes or goes changes one slice. Empty slices are left out.
 */
export function cutSlices(members: readonly (readonly Cidr[])[], existing: Slices): Slices {
  const wanted = new Set(members.flat());
  const slices = new Map<number, Set<Cidr>>();
  const places = new Map<Cidr, number>();
  for (const [index, cidrs] of [...existing].sort(([a], [b]) => a - b)) {
    const kept = cidrs.filter((cidr) => wanted.has(cidr) && !places.has(cidr)).slice(0, sliceSize);
    slices.set(index, new Set(kept));
    for (const cidr of kept) places.set(cidr, index);
  }
  const sorted = [...members].sort((a, b) => ((a[0] ?? "") < (b[0] ?? "") ? -1 : 1));
  for (const member of sorted) {
    const missing = member.filter((cidr) => !places.has(cidr));
    if (missing.length === 0) continue;
    const home = member.map((cidr) => places.get(cidr)).find((index) => index !== undefined);
    const roomy = home !== undefined && (slices.get(home)?.size ?? 0) + missing.length <= sliceSize;
    const index = roomy ? home : firstWithRoom(slices, missing.length);
    const slice = slices.get(index) ?? new Set<Cidr>();
    slices.set(index, slice);
    for (const cidr of missing) {
      slice.add(cidr);
      places.set(cidr, index);
    }
  }
  const full = [...slices].filter(([, cidrs]) => cidrs.size > 0);
  return new Map(full.map(([index, cidrs]): [number, Cidr[]] => [index, [...cidrs].sort()]));
}
