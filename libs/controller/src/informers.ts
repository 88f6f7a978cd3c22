import type { ApiObject, Kind } from '@gantry/api-machinery';
import { aborted } from '@gantry/base';
import { Informer, type InformerOptions } from './informer.js';
import type { ObjectStore } from './object-store.js';

/** One shared informer per kind, so that a process keeps one copy of each object and one watch. */
export class Informers {
  private readonly byKind = new Map<string, Informer<ApiObject>>();
  private running: AbortSignal | undefined;
  private readonly runs = new Set<Promise<void>>();

  constructor(
    private readonly objects: ObjectStore,
    private readonly options: Pick<InformerOptions<ApiObject>, 'shared' | 'logger' | 'clock'> = {},
  ) {}

  /** The informer of a kind; it runs as soon as `run` was called. */
  for<T extends ApiObject>(kind: Kind<T>): Informer<T> {
    const id = `${kind.plural}.${kind.group}`;
    let informer = this.byKind.get(id) as Informer<T> | undefined;
    if (!informer) {
      informer = new Informer<T>(this.objects, kind, this.options);
      this.byKind.set(id, informer as unknown as Informer<ApiObject>);
      if (this.running) this.start(informer as unknown as Informer<ApiObject>, this.running);
    }
    return informer;
  }

  /** Runs all informers, also those that are asked for later, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.running = signal;
    for (const informer of this.byKind.values()) this.start(informer, signal);
    await aborted(signal);
    await Promise.all(this.runs);
  }

  private start(informer: Informer<ApiObject>, signal: AbortSignal): void {
    const run = informer.run(signal);
    this.runs.add(run);
    void run.finally(() => this.runs.delete(run));
  }
}
