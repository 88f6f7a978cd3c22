import { apiVersionOf, EventKind, type ApiObject, type Event, type Kind } from '@gantry/api';
import { Bell, delay, describeError, timestamp, type Clock, type Logger } from '@gantry/base';
import { storeKey } from '@gantry/controller';
import type { Operation, Store } from '@gantry/store';
import { EventAllowance } from './event-allowance.js';
import { EventLeases } from './event-leases.js';

export interface EventDraft {
  readonly type: 'Normal' | 'Warning';
  /** One word in CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** Tells people what happened to an object. Never throws and never waits: events are a courtesy. */
export interface EventSink {
  record<T extends ApiObject>(kind: Kind<T>, about: T, draft: EventDraft): void;
}

export interface EventRecorderOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where an event's time ends (default an hour after it was last seen). */
  readonly leases?: EventLeases;
}

/** Events that wait to be written; what comes beyond is dropped and counted. */
const maxWaiting = 1_000;
/** Repetitions of an event seen within this many others raise its count instead of making a new one. */
const rememberedEvents = 4_096;
/** One write to the store carries at most this many events, at most this often. */
const batchSize = 64;
const batchPauseMs = 250;
const maxMessageLength = 1_024;

/**
 * Writes events for all parts of one control plane: repetitions are counted in one object, writes are
 * batched and bounded, and each event vanishes about an hour after it was last seen.
 */
export class EventRecorder {
  private readonly waiting = new Map<string, Event>();
  private readonly known = new Map<string, Event>();
  private readonly leases: EventLeases;
  private readonly allowance: EventAllowance;
  private readonly bell = new Bell();
  private dropped = 0;
  private serial = 0;

  constructor(private readonly options: EventRecorderOptions) {
    const { store, clock, leases = new EventLeases(store, clock) } = options;
    this.leases = leases;
    this.allowance = new EventAllowance(options.clock);
  }

  /** A sink whose events name the component that reports, e.g. `scheduler`. */
  for(component: string, host?: string): EventSink {
    return {
      record: (kind, about, draft) =>
        this.record({ component, ...(host ? { host } : {}) }, kind, about, draft),
    };
  }

  /** Writes what is recorded until the signal aborts, then the rest once. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.options;
    while (!signal.aborted) {
      if (this.waiting.size === 0) await this.bell.rung(signal);
      await this.flush();
      await delay(clock, batchPauseMs, signal).catch(() => {});
    }
    await this.flush();
  }

  private record<T extends ApiObject>(
    source: { component: string; host?: string },
    kind: Kind<T>,
    about: T,
    draft: EventDraft,
  ): void {
    const id = [
      source.component,
      about.metadata.uid,
      draft.type,
      draft.reason,
      draft.message,
    ].join();
    if (this.waiting.size >= maxWaiting && !this.waiting.has(id)) return this.drop();
    const known = this.known.get(id);
    if (!known && !this.allowance.take(about.metadata.uid ?? '')) return this.drop();
    const event = known ? this.again(known) : this.first(source, kind, about, draft);
    this.remember(id, event);
    this.waiting.set(id, event);
    this.bell.ring();
  }

  private first<T extends ApiObject>(
    source: { component: string; host?: string },
    kind: Kind<T>,
    about: T,
    draft: EventDraft,
  ): Event {
    const { name, namespace = 'default', uid, resourceVersion } = about.metadata;
    const now = timestamp(this.options.clock.now());
    const involvedObject = {
      kind: kind.kind,
      apiVersion: apiVersionOf(kind),
      name,
      uid,
      resourceVersion,
      ...(about.metadata.namespace ? { namespace } : {}),
    };
    return {
      metadata: {
        name: this.nameFor(name ?? ''),
        namespace,
        uid: crypto.randomUUID(),
        creationTimestamp: now,
      },
      involvedObject,
      ...draft,
      message: draft.message.slice(0, maxMessageLength),
      source,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      reportingComponent: source.component,
      reportingInstance: source.host ?? '',
    };
  }

  private again(known: Event): Event {
    const lastTimestamp = timestamp(this.options.clock.now());
    return { ...known, count: (known.count ?? 1) + 1, lastTimestamp };
  }

  /** Unique also across control planes, and within the length of a name. */
  private nameFor(name: string): string {
    const unique = `${this.options.clock.now().toString(16)}${(this.serial++).toString(16)}`;
    const random = Math.floor(Math.random() * 0xffffff).toString(16);
    return `${name.slice(0, 220)}.${unique}${random}`;
  }

  private remember(id: string, event: Event): void {
    this.known.delete(id);
    this.known.set(id, event);
    if (this.known.size <= rememberedEvents) return;
    const [oldest] = this.known.keys();
    this.known.delete(oldest!);
  }

  private drop(): void {
    this.dropped += 1;
  }

  private async flush(): Promise<void> {
    const batch = [...this.waiting].slice(0, batchSize);
    if (batch.length === 0) return;
    for (const [id] of batch) this.waiting.delete(id);
    const { logger, store } = this.options;
    try {
      const lease = await this.leases.current();
      await store.transact(
        [],
        batch.map(([, event]) => put(event, lease)),
      );
      if (this.dropped > 0)
        logger.warn({ dropped: this.dropped }, 'too many events: some were dropped');
      this.dropped = 0;
    } catch (error) {
      this.leases.renew();
      logger.warn({ events: batch.length }, `write events: ${describeError(error)}`);
    }
  }
}

function put(event: Event, lease: string): Operation {
  const key = storeKey(EventKind, event.metadata.namespace, event.metadata.name!);
  const stored = { apiVersion: apiVersionOf(EventKind), kind: EventKind.kind, ...event };
  return { type: 'put', key, value: new TextEncoder().encode(JSON.stringify(stored)), lease };
}
