import type { BpfMap } from "../../loader/ports.ts";
import { u32Bytes } from "../bytes.ts";

/** An array of maps with an inner map for each slot, made at the slot's first use and kept for the next ones. */
export class InnerMaps {
  readonly #outer: BpfMap;
  readonly #make: () => BpfMap;
  readonly #maps = new Map<number, BpfMap>();
  /** Slots whose map the programs can't find yet. */
  readonly #unpublished = new Set<number>();

  constructor(outer: BpfMap, make: () => BpfMap) {
    this.#outer = outer;
    this.#make = make;
  }

  /** Takes a map that a former agent put at `slot`. */
  adopt(slot: number, map: BpfMap): void {
    this.#maps.set(slot, map);
  }

  /** The map of a slot, if it was ever used. */
  get(slot: number): BpfMap | undefined {
    return this.#maps.get(slot);
  }

  /** The map of a slot, made where there is none. Programs find it after `publish`. */
  at(slot: number): BpfMap {
    const known = this.#maps.get(slot);
    if (known !== undefined) return known;
    const made = this.#make();
    this.#maps.set(slot, made);
    this.#unpublished.add(slot);
    return made;
  }

  /**
   * Lets programs find all maps that were made, in one write: the kernel waits for a grace period after each (8 ms and
   * more), and 250 slots by themselves would take seconds. After a failure all are written again the next time.
   */
  publish(): void {
    const entries = [...this.#unpublished].map(
      (slot) => [u32Bytes(slot), u32Bytes(this.#maps.get(slot)?.fd ?? 0)] as const,
    );
    this.#outer.updateMany(entries);
    this.#unpublished.clear();
  }
}
