import type { ApiObject } from '@gantry/api-machinery';
import type { DeliveredEvent } from '../resources/options.js';

type EventType = DeliveredEvent<ApiObject>['type'];

/** An event for watchers; its JSON is made at most once, on first use, whoever needs it. */
export class SharedEvent<T extends ApiObject> implements DeliveredEvent<T> {
  private json: string | undefined;

  constructor(
    readonly type: EventType,
    readonly object: T,
  ) {}

  line(): string {
    this.json ??= `{"type":"${this.type}","object":${JSON.stringify(this.object)}}\n`;
    return this.json;
  }
}

/** A position in the stream, and nothing else: to resume a watch from there. */
export function bookmark<T extends ApiObject>(
  identity: Pick<ApiObject, 'apiVersion' | 'kind'>,
  resourceVersion: string,
  annotations?: Record<string, string>,
): SharedEvent<T> {
  const metadata = annotations ? { resourceVersion, annotations } : { resourceVersion };
  return new SharedEvent<T>('BOOKMARK', { ...identity, metadata } as T);
}

/**
 * One change as the cache keeps it. What a watcher with a selector sees of it differs: an object that
 * starts to match is ADDED to it, one that stops is DELETED in its last matching state.
 */
export class CacheEvent<T extends ApiObject> {
  private delivered: Map<string, SharedEvent<T>> | undefined;
  private whole: SharedEvent<T> | undefined;

  constructor(
    readonly type: 'ADDED' | 'MODIFIED' | 'DELETED',
    readonly object: T,
    readonly previous: T | undefined,
    readonly revision: bigint,
  ) {}

  /** What goes to a watcher whose selector is `matches`; undefined: nothing. */
  seenBy(matches: ((object: T) => boolean) | undefined): SharedEvent<T> | undefined {
    if (!matches) return this.as(this.type, this.object);
    const before = this.previous !== undefined && matches(this.previous);
    const now = this.type !== 'DELETED' && matches(this.object);
    if (now) return this.as(before ? 'MODIFIED' : 'ADDED', this.object);
    if (!before) return undefined;
    return this.type === 'DELETED' ? this.as('DELETED', this.object) : this.left();
  }

  private as(type: EventType, object: T): SharedEvent<T> {
    if (type === this.type) return (this.whole ??= new SharedEvent(type, object));
    return this.remember(type, () => new SharedEvent(type, object));
  }

  private left(): SharedEvent<T> {
    return this.remember('left', () => {
      const last = this.previous ?? this.object;
      const metadata = { ...last.metadata, resourceVersion: String(this.revision) };
      return new SharedEvent('DELETED', { ...last, metadata });
    });
  }

  private remember(key: string, make: () => SharedEvent<T>): SharedEvent<T> {
    const known = this.delivered?.get(key);
    if (known) return known;
    const made = make();
    this.delivered ??= new Map();
    this.delivered.set(key, made);
    return made;
  }
}
