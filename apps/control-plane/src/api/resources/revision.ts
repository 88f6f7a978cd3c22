import { badRequest, GantryError } from '@gantry/base';

/** A resourceVersion as a number; undefined when absent. BadRequest when it is no revision. */
export function parseRevision(text: string | undefined): bigint | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^\d{1,19}$/.test(text)) {
    throw badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}: must be a number`);
  }
  return BigInt(text);
}

/** The caller has seen a state that does not exist yet: it talks to a restored or another cluster. */
export function tooLargeRevision(wanted: bigint, current: bigint): GantryError {
  const message = `Too large resource version: ${wanted}, current: ${current}`;
  return new GantryError('Timeout', `Timeout: ${message}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
