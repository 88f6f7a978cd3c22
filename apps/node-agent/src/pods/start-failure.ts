/** A container could not be started now. The reason is shown while it waits to be tried again. */
export class StartFailure extends Error {
  constructor(
    readonly reason: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StartFailure';
  }
}
