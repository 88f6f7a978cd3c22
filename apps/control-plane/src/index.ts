/**
 * The control plane as a whole, for programs that run one within themselves: API, agents' gateway,
 * controllers and scheduler on one store. `main.ts` is the program.
 */
export { testConfig, type Config } from './config.js';
export { startControlPlane, type ControlPlane } from './control-plane.js';
