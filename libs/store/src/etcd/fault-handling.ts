import { circuitBreaker, ConsecutiveBreaker, handleWhen, noop } from 'cockatiel';
import { isRecoverableError, type IOptions } from 'etcd3';

/** After this many failures in a row a member of several is left alone for a moment. */
const failuresBeforePause = 2;
const pauseMs = 1_000;

/**
 * etcd3's own retries are switched off: they would repeat a transaction whose first attempt may
 * have been committed. Its circuit breaker only makes sense when there is another member to turn
 * to.
 */
export function faultHandling(members: number): NonNullable<IOptions['faultHandling']> {
  const breaker = () =>
    circuitBreaker(handleWhen(isRecoverableError), {
      halfOpenAfter: pauseMs,
      breaker: new ConsecutiveBreaker(failuresBeforePause),
    });
  return { global: noop, host: members > 1 ? breaker : () => noop };
}
