/**
 * What Nest injects where there is no class to name: `@Inject(CONFIG) config: Config`. Classes that
 * are injected by themselves: ObjectStore, Informers, Registry (prom-client), Pki, Authenticator,
 * Leader.
 */
export const CONFIG = Symbol('Config');
export const LOGGER = Symbol('Logger');
export const CLOCK = Symbol('Clock');
/** The `Store` below the ObjectStore, for keys that are no objects (sessions/, leader). */
export const STORE = Symbol('Store');
/** AbortSignal of the whole program: aborted when it stops. */
export const SHUTDOWN = Symbol('Shutdown');
/** `ControllerMetrics` for controllers. */
export const CONTROLLER_METRICS = Symbol('ControllerMetrics');
/** `() => Endpoints`: the ports in use, known once the servers listen. */
export const ENDPOINTS = Symbol('Endpoints');
