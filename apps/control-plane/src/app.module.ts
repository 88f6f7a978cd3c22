import { Module, type DynamicModule } from '@nestjs/common';
import { AgentsModule } from './agents/agents.module.js';
import { ApiModule } from './api/index.js';
import { AuthModule } from './auth/auth.module.js';
import { ControllersModule } from './controllers/index.js';
import { CoreModule, type Core } from './core.module.js';
import { EventsModule } from './events/index.js';
import { HealthHandler } from './health/health.handler.js';
import { MetricsHandler } from './metrics/metrics.handler.js';
import { SchedulingModule } from './scheduling/index.js';

const tasks = [
  ApiModule,
  AuthModule,
  AgentsModule,
  EventsModule,
  ControllersModule,
  SchedulingModule,
];

/** The control plane: the core, and one module per task. */
@Module({ controllers: [HealthHandler, MetricsHandler] })
export class AppModule {
  static create(core: Core): DynamicModule {
    return { module: AppModule, imports: [CoreModule.create(core), ...tasks] };
  }
}
