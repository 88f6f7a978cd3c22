import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { JoinTokenKind, type JoinToken } from '@gantry/api';
import { GantryError, isReason, timestamp, type Clock } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';

const secretBytes = 24;
const maxTokenLength = 512;

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');

/** What is handed out once: `NAME.SECRET`. */
export interface NewJoinToken {
  readonly token: string;
  /** What is stored of it. */
  readonly hash: string;
}

/** A new secret for the JoinToken of this name. */
export function newJoinToken(name: string): NewJoinToken {
  const secret = randomBytes(secretBytes).toString('base64url');
  return { token: `${name}.${secret}`, hash: hashOf(secret) };
}

/**
 * The create hook of JoinToken: gives it a secret of its own, stores the hash, and puts the token
 * into the answer's status.
 */
export function issueOnCreate(object: JoinToken): (stored: JoinToken) => JoinToken {
  const secret = randomBytes(secretBytes).toString('base64url');
  object.spec = { ...object.spec, hash: hashOf(secret) };
  return (stored) => ({
    ...stored,
    status: { ...stored.status, token: `${stored.metadata.name}.${secret}` },
  });
}

/**
 * Takes one use of a token, for exactly one caller. Unauthorized says why not, and no more than the
 * caller knows: a wrong secret looks like an unknown token.
 */
export async function useJoinToken(
  objects: ObjectStore,
  clock: Clock,
  token: string,
): Promise<JoinToken> {
  const dot = token.lastIndexOf('.');
  const unknown = refuse('the join token is not known here');
  if (dot < 1 || token.length > maxTokenLength || token.includes('/')) throw unknown;
  const given = Buffer.from(hashOf(token.slice(dot + 1)));
  try {
    return await objects.mutate(JoinTokenKind, undefined, token.slice(0, dot), (current) => {
      const stored = Buffer.from(current.spec.hash ?? '');
      if (stored.length !== given.length || !timingSafeEqual(stored, given)) throw unknown;
      return takeUse(current, clock.now());
    });
  } catch (error) {
    if (isReason(error, 'NotFound')) throw unknown;
    throw error;
  }
}

function takeUse(token: JoinToken, nowMs: number): JoinToken {
  const { usesLeft, expiresAt } = token.spec;
  if (expiresAt && Date.parse(expiresAt) <= nowMs) {
    throw refuse(`the join token expired at ${expiresAt}`);
  }
  if (usesLeft !== undefined && usesLeft <= 0) throw refuse('the join token is used up');
  const left = usesLeft === undefined ? {} : { usesLeft: usesLeft - 1 };
  const status = { ...token.status, lastUsedAt: timestamp(nowMs) };
  return { ...token, spec: { ...token.spec, ...left }, status };
}

function refuse(why: string): GantryError {
  const next = 'create another with `gantry token create`';
  return new GantryError('Unauthorized', `${why}: ${next}`);
}
