import { badRequest } from '@gantry/base';

/** The store's key at which the next page starts, and the one revision that all pages show. */
export interface ContinueToken {
  readonly revision: string;
  readonly start: string;
}

const tokenVersion = 'gantry/1';

export function encodeToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: tokenVersion, ...token })).toString('base64url');
}

/**
 * BadRequest for anything that encodeToken did not make for a list below `prefix`: tokens come back
 * from clients, who must not be able to point them at other keys.
 */
export function decodeToken(text: string, prefix: string): ContinueToken {
  try {
    const { v, revision, start } = JSON.parse(Buffer.from(text, 'base64url').toString());
    const known = v === tokenVersion && typeof revision === 'string' && /^\d{1,19}$/.test(revision);
    if (known && typeof start === 'string' && start.startsWith(prefix)) return { revision, start };
  } catch {
    // Falls through: whatever is wrong with it, the client cannot mend it but by starting again.
  }
  throw badRequest('continue key is not valid: list again without continue');
}
