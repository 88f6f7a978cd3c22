import type { Clock, Logger } from '@gantry/base';
import type { ControllerMetrics, Informers } from '@gantry/controller';
import type { Resources } from '../api/index.js';
import type { EventRecorder } from '../events/index.js';
import type { Relocations } from '../rebalancing/relocations.js';

/** What every controller works with. Its writes are fenced: none lands after another leader took over. */
export interface ControllerContext {
  readonly resources: Resources;
  readonly informers: Informers;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: ControllerMetrics;
  /** Where pods go that are made in place of moved ones. */
  readonly relocations?: Relocations;
}
