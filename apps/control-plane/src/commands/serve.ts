import { flushCompileCache } from 'node:module';
import { createLogger, shutdownSignal } from '@gantry/base';
import { parseConfig } from '../config.js';
import { startControlPlane } from '../control-plane.js';

/** Runs the control plane until it is told to stop. */
export async function serve(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const config = parseConfig(argv, env);
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
