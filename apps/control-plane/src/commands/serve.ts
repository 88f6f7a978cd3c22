import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { createLogger, shutdownSignal } from '@gantry/base';
import { parseConfig } from '../config.js';
import { startControlPlane } from '../control-plane.js';

/**
 * Answers of the store are memory outside V8's heap, of which 64 MiB are otherwise enough for a full collection,
 * however much the heap holds; with this they count as a part of the whole.
 */
const memoryFlag = '--external-memory-accounted-in-global-limit';

/** Runs the control plane until it is told to stop. */
export async function serve(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(argv, env);
  setFlagsFromString(memoryFlag);
  const logger = createLogger({ level: config.logLevel, name: 'control-plane' });
  const signal = shutdownSignal(logger);
  const controlPlane = await startControlPlane(config, { logger });
  // Where the unit names a folder for it, the next start reads what this one compiled, however this one ends.
  flushCompileCache();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await controlPlane.close();
}
