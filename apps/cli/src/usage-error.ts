/** The command line is wrong; exit code 2. */
export class UsageError extends Error {}

/** A command that ran and found that something is not as asked; exit code 1, message as it is. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}
