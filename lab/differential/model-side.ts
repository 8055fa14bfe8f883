import { createModel, type Model } from "../../semantics/model.ts";
import type { Judged } from "../../semantics/observation.ts";
import type { World } from "./sequence.ts";
import { type Framed, type Observation, type Side, sortedRows } from "./side.ts";

/** The contract's oracle. */
export class ModelSide implements Side {
  #model: Model = createModel({ tableSize: 0 });

  async begin(tableSize: number): Promise<void> {
    this.#model = createModel({ tableSize });
  }

  async program({ state, node, endpoints }: World): Promise<void> {
    this.#model.program(state, node, endpoints);
    this.#model.sweep();
  }

  async advance(seconds: number, sweeps: boolean): Promise<void> {
    if (sweeps) this.#model.advance(seconds);
    else this.#model.pass(seconds);
  }

  async judge(packets: readonly Framed[]): Promise<readonly Judged[]> {
    return packets.map(({ uid, direction, packet, frame }) =>
      this.#model.judge(uid, direction, { ...packet, length: frame.length }),
    );
  }

  async observe(uid: string): Promise<Observation> {
    return { metrics: this.#model.metrics(uid), connections: sortedRows(this.#model.connections(uid)) };
  }
}
