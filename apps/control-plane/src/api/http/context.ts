import type { Clock, Logger } from '@gantry/base';
import type { Resources } from '../resources/resources.js';
import type { SubresourceRegistry } from '../subresources/registry.js';
import type { KindRegistry } from './kind-registry.js';

/** What the handlers of all requests work with. */
export interface ApiContext {
  readonly resources: Resources;
  readonly kinds: KindRegistry;
  readonly subresources: SubresourceRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
}
