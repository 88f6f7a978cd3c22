import { GantryError, badRequest } from '@gantry/base';
import fastJsonPatch, { type Operation } from 'fast-json-patch';

// A CommonJS module whose names Node cannot see at link time.
const library = fastJsonPatch;

const maxOperations = 10_000;

/**
 * Applies a JSON patch (RFC 6902) to a copy. BadRequest when it is no patch, Invalid when an
 * operation cannot be applied or a test fails.
 */
export function jsonPatch<T extends object>(current: T, patch: unknown): T {
  if (!Array.isArray(patch)) throw badRequest('a JSON patch must be an array of operations');
  if (patch.length > maxOperations) {
    throw new GantryError(
      'RequestEntityTooLarge',
      `the JSON patch has ${patch.length} operations, at most ${maxOperations} are allowed`,
    );
  }
  try {
    return library.applyPatch(structuredClone(current), patch as Operation[], true).newDocument;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [reason = ''] = error.message.split('\n');
    const fault = error instanceof library.JsonPatchError ? reason : error.message;
    throw new GantryError(
      'Invalid',
      `the server rejected our request due to an error in our request: ${fault}`,
      {},
      { cause: error },
    );
  }
}
