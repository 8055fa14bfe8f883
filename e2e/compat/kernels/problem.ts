/** What keeps a kernel from being tested, and what to do about it. */
export class KernelProblem extends Error {
  override readonly name = "KernelProblem";
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}
