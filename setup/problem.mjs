/**
 * Something that the machine lacks and the set-up can't provide. `message` says what is missing, `remedy` how a
 * person gets it. The set-up prints both and exits 2.
 */
export class Problem extends Error {
  /**
   * @param {string} message
   * @param {string} remedy
   * @param {ErrorOptions} [options]
   */
  constructor(message, remedy, options) {
    super(message, options);
    this.name = "Problem";
    this.remedy = remedy;
  }
}
