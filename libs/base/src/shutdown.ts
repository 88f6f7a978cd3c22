import type { Logger } from './logger.js';

/** How long `main` may take to drain after the first signal before it gives up, in milliseconds. */
export const shutdownGraceMs = 15_000;

/** Resolves when the signal aborts; at once when it already has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** One AbortSignal for the whole program: SIGINT and SIGTERM abort it; a second one ends at once. */
export function shutdownSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(130);
    logger.info({ signal: name }, 'stopping');
    controller.abort(new Error(`stopped by ${name}`));
    setTimeout(() => {
      logger.error({ graceMs: shutdownGraceMs }, 'did not drain in time; exiting');
      process.exit(1);
    }, shutdownGraceMs).unref();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
