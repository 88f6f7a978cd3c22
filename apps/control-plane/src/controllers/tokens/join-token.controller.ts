import { JoinTokenKind, type JoinToken } from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, source } from '@gantry/controller';
import type { ControllerContext } from '../context.js';

/** A token that no longer serves is kept for so long, so that whoever tries it is told why. */
const keptMs = 600_000;

/** When the token may be removed; undefined while it can still be used for ever. */
export function removableMs({ metadata, spec, status }: JoinToken): number | undefined {
  const expiresMs = Date.parse(spec.expiresAt ?? '');
  if (!Number.isNaN(expiresMs)) return expiresMs + keptMs;
  if (spec.usesLeft === undefined || spec.usesLeft > 0) return undefined;
  const usedMs = Date.parse(status?.lastUsedAt ?? metadata.creationTimestamp ?? '');
  return (Number.isNaN(usedMs) ? 0 : usedMs) + keptMs;
}

/** Removes join tokens some time after they expired or were used up. */
export function joinTokenController(context: ControllerContext): Controller {
  const { informers, resources, clock, logger } = context;
  const tokens = informers.for(JoinTokenKind);
  return new Controller({
    name: 'join-token',
    concurrency: 1,
    sources: [source(tokens, (token) => [token.metadata.name!])],
    async reconcile(name) {
      const token = tokens.get(undefined, name);
      const atMs = token && removableMs(token);
      if (!token || atMs === undefined) return;
      const leftMs = atMs - clock.now();
      // Timers hold no more than 24 days; an hour is looked at again often enough.
      if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, 3_600_000) };
      const { uid, resourceVersion } = token.metadata;
      const preconditions = { uid: uid!, resourceVersion: resourceVersion! };
      await resources
        .delete(JoinTokenKind, undefined, name, { preconditions })
        .catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}
