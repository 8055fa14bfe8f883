/** Something that a cluster needs and this machine lacks. `remedy` says how a person gets it. */
export class ClusterProblem extends Error {
  override readonly name = "ClusterProblem";
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(`${message}; ${remedy}`, options);
    this.remedy = remedy;
  }
}
