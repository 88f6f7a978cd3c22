import type { ApiObject } from '@gantry/api-machinery';
import { objectText } from '@gantry/controller';
import type { DeliveredEvent } from '../resources/options.js';

type EventType = DeliveredEvent<ApiObject>['type'];

/** An event for watchers; its JSON is made at most once, on first use, whoever needs it. */
export class SharedEvent<T extends ApiObject> implements DeliveredEvent<T> {
  private json: string | undefined;

  /** `text` knows the object's JSON, if that is known already. */
  constructor(
    readonly type: EventType,
    readonly object: T,
    private readonly text?: () => string,
  ) {}

  line(): string {
    this.json ??= `{"type":"${this.type}","object":${this.text?.() ?? objectText(this.object)}}\n`;
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
    private readonly text?: () => string,
  ) {}

  /** What goes to a watcher whose selector is `matches`; undefined: nothing. */
  seenBy(matches: ((object: T) => boolean) | undefined): SharedEvent<T> | undefined {
    if (!matches) return this.as(this.type);
    const before = this.previous !== undefined && matches(this.previous);
    const now = this.type !== 'DELETED' && matches(this.object);
    if (now) return this.as(before ? 'MODIFIED' : 'ADDED');
    if (!before) return undefined;
    return this.type === 'DELETED' ? this.as('DELETED') : this.left();
  }

  private as(type: EventType): SharedEvent<T> {
    const make = () => new SharedEvent(type, this.object, this.text);
    return type === this.type ? (this.whole ??= make()) : this.remember(type, make);
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
