/** Exit codes of every command. */
export const exitCodes = {
  /** Everything held. */
  success: 0,
  /** An expectation failed, or what was asked for did not succeed. */
  failure: 1,
  /** Bad usage, an invalid file, or this machine cannot run it. */
  unusable: 2,
} as const;

/** An error whose message is all a person needs to see; ends the command with `code`. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly code: number;

  constructor(message: string, code: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
