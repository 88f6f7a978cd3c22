import type { MessagePort } from 'node:worker_threads';
import { createLogger, describeError, GantryError, systemClock } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import { customProfile } from '@gantry/scheduler';
import type { Store } from '@gantry/store';
import { Registry } from 'prom-client';
import { Resources } from '../../api/resources/resources.js';
import { WatchCaches } from '../../api/watch/watch-caches.js';
import { EventLeases } from '../../events/event-leases.js';
import { EventRecorder } from '../../events/event-recorder.js';
import { openConfiguredStore } from '../../store/configured-store.js';
import { configuredCheckpoints } from '../checkpoint/checkpoints.js';
import { PodLists } from '../checkpoint/pod-lists.js';
import { DecisionLog } from '../decision-log.js';
import { SchedulingLoop } from '../scheduling-loop.js';
import { SchedulingMetrics } from '../scheduling-metrics.js';
import type {
  FromScheduler,
  Question,
  Questions,
  SchedulingTask,
  ToScheduler,
} from './messages.js';

/**
 * One term's scheduling, in a thread that shares nothing with the API but the store: its own connection, its own
 * view of the cluster, writes under the fence of the term. Works until it is told to stop.
 */
export async function hostScheduler(port: MessagePort, task: SchedulingTask): Promise<void> {
  const logger = createLogger({ level: task.logLevel, name: 'control-plane' });
  const stopping = new AbortController();
  const tell = (message: FromScheduler) => port.postMessage(message, []);
  const host = new SchedulerHost(task, await openConfiguredStore(task.config, logger), stopping);
  port.on('message', (message: ToScheduler) => {
    if (message.type === 'stop') stopping.abort(new Error('the term is over'));
    else
      void host.answer(message.question, message.asked).then(
        (value) => tell({ type: 'answer', id: message.id, value }),
        (error: unknown) => tell({ type: 'refusal', id: message.id, ...refusalOf(error) }),
      );
  });
  try {
    await host.run(() => tell({ type: 'fed' }));
  } catch (error) {
    tell({ type: 'failed', message: describeError(error) });
  } finally {
    port.close();
  }
}

function refusalOf(error: unknown): { reason: GantryError['reason']; message: string } {
  if (error instanceof GantryError) return { reason: error.reason, message: error.message };
  return { reason: 'InternalError', message: describeError(error) };
}

class SchedulerHost {
  private readonly registry = new Registry();
  private readonly loop: SchedulingLoop;
  private readonly informers: Informers;
  private readonly events: EventRecorder;
  private readonly log: DecisionLog | undefined;

  constructor(
    task: SchedulingTask,
    private readonly store: Store,
    private readonly stopping: AbortController,
  ) {
    const logger = createLogger({ level: task.logLevel, name: 'control-plane' });
    const { signal } = stopping;
    const clock = systemClock;
    const fence = () => (signal.aborted ? undefined : task.fence);
    const podLists = new PodLists(task.config, clock);
    const objects = new ObjectStore(store, { clock, turn: podLists.turn }).fenced(fence);
    const caches = new WatchCaches({ objects, clock, logger, signal });
    const resources = new Resources({ objects, caches, clock });
    const { decisionLog: file, eventTtlMinutes } = task.config;
    const profile = customProfile(task.profile.name, { weights: task.profile.weights });
    this.informers = new Informers(objects, { clock, logger });
    const leases = new EventLeases(store, clock, eventTtlMinutes * 60);
    this.events = new EventRecorder({ store, clock, logger, leases });
    this.log = file ? new DecisionLog({ file, clock, logger, profile }) : undefined;
    const checkpoints = configuredCheckpoints(task.config, { store, clock, logger });
    this.loop = new SchedulingLoop({
      ...(checkpoints ? { checkpoints } : {}),
      podLists,
      ...(this.log ? { scheduler: this.log.scheduler } : {}),
      resources,
      objects,
      informers: this.informers,
      events: this.events,
      metrics: new SchedulingMetrics(this.registry),
      clock,
      logger,
      profile,
    });
  }

  async run(fed: () => void): Promise<void> {
    const { signal } = this.stopping;
    void this.loop.fed.then(fed);
    try {
      const beside = [this.informers.run(signal), this.events.run(signal)];
      await this.loop.run(signal);
      await Promise.all(beside);
    } finally {
      this.stopping.abort();
      await this.log?.close();
      await this.store.close();
    }
  }

  async answer<Q extends Question>(question: Q, asked: Questions[Q]['asked']): Promise<unknown> {
    if (question === 'metrics') return this.registry.metrics();
    const { pod, thorough } = asked as Questions['explain']['asked'];
    return this.loop.explain(pod, { thorough });
  }
}
