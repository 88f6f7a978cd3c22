import { compacted, GantryError, unavailable } from '@gantry/base';

/** Whether a call failed before anything was sent, so that another attempt can do no harm. */
export function neverSent(error: unknown): boolean {
  const message = error instanceof Error ? error.message : '';
  return (
    /No connection established|ECONNREFUSED|Name resolution failed/i.test(message) ||
    /circuit breaker is open/i.test(message)
  );
}

/** Whether a page came out larger than one message may be. */
export function tooLargeToReceive(error: unknown): boolean {
  return (
    error instanceof Error && /larger than max|ResourceExhausted.*received/i.test(error.message)
  );
}

/** Turns what etcd3 throws into our errors; `step` says what was being done. */
export function toStoreError(step: string, error: unknown): GantryError {
  if (error instanceof GantryError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (/required revision has been compacted/.test(message)) return compacted();
  if (/required revision is a future revision/.test(message)) {
    const details = { retryAfterSeconds: 1 };
    return new GantryError('Timeout', 'too large resource version', details, { cause: error });
  }
  if (/request is too large|larger than max/.test(message)) {
    return new GantryError(
      'RequestEntityTooLarge',
      `${step}: request is too large`,
      {},
      {
        cause: error,
      },
    );
  }
  if (/requested lease not found/.test(message)) {
    return new GantryError(
      'Conflict',
      `${step}: the lease does not exist or has expired`,
      {},
      {
        cause: error,
      },
    );
  }
  if (/database space exceeded/.test(message)) {
    const next = 'etcd is out of space: compact and defragment it, then disarm its NOSPACE alarm';
    return unavailable(`${step}: ${next}`, { cause: error });
  }
  return unavailable(`${step}: ${message}`, { cause: error });
}
