import { NamespaceKind, type ApiObject, type Kind } from '@gantry/api';
import { silentLogger, systemClock, type Clock } from '@gantry/base';
import { Informers, ObjectStore } from '@gantry/controller';
import type { Scheduler } from '@gantry/scheduler';
import { EmbeddedStore } from '@gantry/store';
import { Registry } from 'prom-client';
import { Resources, WatchCaches } from '../../api/index.js';
import { EventRecorder } from '../../events/index.js';
import { SchedulingLoop, SchedulingMetrics } from '../../scheduling/index.js';
import type { ControllerContext } from '../context.js';
import { laggingStore } from './lagging-store.js';
import { createControllers, type ControllersOptions, type Running } from '../controllers.js';

/** Something that works beside the control plane until the signal aborts: hollow nodes. */
interface Background {
  run(signal: AbortSignal): Promise<void>;
}

export interface TestClusterOptions<N extends Background> {
  readonly clock?: Clock;
  readonly nodes: (objects: ObjectStore) => N;
  /** Default: all, with times of a second. */
  readonly controllers?: Partial<ControllersOptions> | false;
  /** Default true. */
  readonly scheduling?: boolean;
  /** What decides (default: by the default profile). */
  readonly scheduler?: Scheduler;
  /** How late the informers see each change, in milliseconds (default: not at all). */
  readonly lagMs?: () => number;
}

/** A whole cluster in memory: real store, real rules, real controllers and scheduler, hollow nodes. */
export class TestCluster<N extends Background> implements AsyncDisposable {
  readonly store: EmbeddedStore;
  readonly objects: ObjectStore;
  readonly resources: Resources;
  readonly nodes: N;
  readonly context: ControllerContext;
  readonly loop: SchedulingLoop;
  private readonly caches: WatchCaches;
  private readonly stopping = new AbortController();
  private readonly running: Promise<unknown>[] = [];
  private term: { stop: AbortController; work: Promise<unknown> } | undefined;

  constructor(private readonly options: TestClusterOptions<N>) {
    const clock = options.clock ?? systemClock;
    const logger = silentLogger;
    const { signal } = this.stopping;
    this.store = new EmbeddedStore();
    const { store } = this;
    const objects = (this.objects = new ObjectStore(store, { clock }));
    const caches = (this.caches = new WatchCaches({ objects, clock, logger, signal }));
    const resources = (this.resources = new Resources({ objects, caches, clock }));
    this.nodes = options.nodes(objects);
    const informers = this.newInformers();
    const events = new EventRecorder({ store, clock, logger });
    this.context = { resources, informers, events, clock, logger };
    const metrics = new SchedulingMetrics(new Registry());
    const { scheduler } = options;
    this.loop = new SchedulingLoop({
      ...(scheduler ? { scheduler } : {}),
      resources,
      objects,
      informers,
      events,
      metrics,
      clock,
      logger,
    });
  }

  async start(): Promise<this> {
    const { signal } = this.stopping;
    const { informers, events } = this.context;
    for (const name of ['default', 'other']) {
      await this.create(NamespaceKind, { metadata: { name } });
    }
    this.running.push(informers.run(signal), events.run(signal), this.nodes.run(signal));
    this.lead();
    if (this.options.scheduling ?? true) this.running.push(this.loop.run(signal));
    return this;
  }

  /** Another leader takes over: new controllers, which know nothing but the store. */
  async restartControllers(): Promise<void> {
    this.term?.stop.abort(new Error('another leads'));
    await this.term?.work;
    this.lead();
  }

  private lead(): void {
    if (this.options.controllers === false) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([this.stopping.signal, stop.signal]);
    const informers = this.newInformers();
    const running = [informers, ...this.controllers({ ...this.context, informers })];
    const work = Promise.allSettled(running.map((each) => each.run(signal)));
    this.term = { stop, work };
  }

  private newInformers(): Informers {
    const { lagMs, clock = systemClock } = this.options;
    const { store, objects } = this;
    if (!lagMs) return new Informers(objects, { shared: this.caches.since(0n), clock });
    return new Informers(new ObjectStore(laggingStore(store, lagMs), { clock }), { clock });
  }

  private controllers(context: ControllerContext): Running[] {
    const { store, objects } = this;
    return createControllers(context, {
      store,
      objects,
      clusterCidr: '10.42.0.0/16',
      nodeCidrMask: 24,
      nodeGraceSeconds: 1,
      podEvictionSeconds: 1,
      ...this.options.controllers,
    });
  }

  /** Creates as a client would: with defaults, validation and admission. */
  create<T extends ApiObject>(kind: Kind<T>, object: object): Promise<T> {
    const { namespace } = (object as ApiObject).metadata;
    return this.resources.create(kind, namespace, object as T);
  }

  async list<T extends ApiObject>(kind: Kind<T>, namespace?: string): Promise<T[]> {
    return (await this.objects.list(kind, namespace ? { namespace } : {})).items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort(new Error('the test is over'));
    await Promise.allSettled([...this.running, this.term?.work]);
    await this.store.close();
  }
}
