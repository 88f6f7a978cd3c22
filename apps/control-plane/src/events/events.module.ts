import { Global, Inject, Module, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { Clock, Logger } from '@gantry/base';
import type { Store } from '@gantry/store';
import * as tokens from '../tokens.js';
import { EventLeases } from './event-leases.js';
import { EventRecorder } from './event-recorder.js';

function createRecorder(
  store: Store,
  clock: Clock,
  logger: Logger,
  leases: EventLeases,
): EventRecorder {
  return new EventRecorder({ store, clock, logger, leases });
}

/** One `EventRecorder` for the whole control plane; whatever it holds is written before the end. */
@Global()
@Module({
  providers: [
    {
      provide: EventRecorder,
      useFactory: createRecorder,
      inject: [tokens.STORE, tokens.CLOCK, tokens.LOGGER, EventLeases],
    },
  ],
  exports: [EventRecorder],
})
export class EventsModule implements OnModuleInit, OnModuleDestroy {
  private running: Promise<void> | undefined;

  constructor(
    @Inject(EventRecorder) private readonly recorder: EventRecorder,
    @Inject(tokens.SHUTDOWN) private readonly shutdown: AbortSignal,
  ) {}

  onModuleInit(): void {
    this.running = this.recorder.run(this.shutdown);
  }

  async onModuleDestroy(): Promise<void> {
    await this.running;
  }
}
