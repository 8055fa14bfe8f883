/** Gives out runs of consecutive indices of an array map, first fit. */
export class Ranges {
  readonly #what: string;
  readonly #size: number;
  /** Sorted by `first`. */
  #taken: { first: number; count: number }[] = [];

  /** `what` names the map in errors. */
  constructor(what: string, size: number) {
    this.#what = what;
    this.#size = size;
  }

  /** First index of a free run of `count`. */
  take(count: number): number {
    let first = 0;
    for (const range of this.#taken) {
      if (range.first - first >= count) {
        break;
      }
      first = range.first + range.count;
    }
    if (first + count > this.#size) {
      throw new RangeError(`map ${this.#what} has no room for ${count} more entries of ${this.#size}: raise its size`);
    }
    this.reserve(first, count);
    return first;
  }

  /** Marks a run as taken that a former agent gave out. */
  reserve(first: number, count: number): void {
    if (count > 0) {
      this.#taken.push({ first, count });
      this.#taken.sort((a, b) => a.first - b.first);
    }
  }

  give(first: number): void {
    this.#taken = this.#taken.filter((range) => range.first !== first);
  }
}
