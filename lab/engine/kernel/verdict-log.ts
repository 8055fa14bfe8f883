import type { VerdictRecord } from "../../../datapath/agent/control.ts";

/** The endpoints' verdicts since a step began. */
export class VerdictLog {
  readonly #read: () => Promise<readonly VerdictRecord[]>;
  #records: VerdictRecord[] = [];

  constructor(read: () => Promise<readonly VerdictRecord[]>) {
    this.#read = read;
  }

  get records(): readonly VerdictRecord[] {
    return this.#records;
  }

  /** Forgets what was before. */
  async begin(): Promise<void> {
    await this.#read();
    this.#records = [];
  }

  /** Takes in what came since. */
  async update(): Promise<readonly VerdictRecord[]> {
    for (const record of await this.#read()) this.#records.push(record);
    return this.#records;
  }
}
