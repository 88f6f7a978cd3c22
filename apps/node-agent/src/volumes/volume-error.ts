/** A volume cannot be set up (now); shown in a FailedMount event, and tried again. */
export class VolumeError extends Error {
  constructor(volume: string, problem: string) {
    super(`volume "${volume}": ${problem}`);
    this.name = 'VolumeError';
  }
}
