import { apiVersionOf, type ApiObject, type Kind } from '@gantry/api-machinery';
import type { Change, Entry } from '@gantry/store';
import { storeKey } from './object-key.js';
import type { ObjectEvent } from './object-events.js';
import { Templates } from './templates.js';
import type { ValueTransform } from './value-transform.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Objects of the last events, by the bytes of their values: several watchers in one process get the same events at about the same time, and
 * what one saw as the new state the next event shows as the previous one.
 */
const rememberedBytes = 8 * 2 ** 20;

class ChangeEvent<T extends ApiObject> implements ObjectEvent<T> {
  private made: T | undefined;

  constructor(
    readonly type: ObjectEvent<T>['type'],
    readonly object: T,
    private readonly makePrevious: (() => T) | undefined,
  ) {}

  /** Made when it is asked for: most who watch keep the state before by themselves. */
  get previous(): T | undefined {
    return (this.made ??= this.makePrevious?.());
  }
}

/** Turns objects into values and back; the revision lives beside the value, never in it. */
export class Codec {
  private readonly remembered = new Map<string, { object: ApiObject; bytes: number }>();
  private readonly templates = new Templates();
  private bytes = 0;

  constructor(private readonly transforms: ReadonlyMap<string, ValueTransform>) {}

  private transformOf(kind: Kind): ValueTransform | undefined {
    return this.transforms.get(kind.group ? `${kind.plural}.${kind.group}` : kind.plural);
  }

  keyOf(kind: Kind, { metadata }: ApiObject): string {
    return storeKey(kind, metadata.namespace, metadata.name ?? '');
  }

  /** The JSON that is stored, before it is sealed. */
  serialize(kind: Kind, object: ApiObject): string {
    const { resourceVersion: _, ...metadata } = object.metadata;
    const { apiVersion: _apiVersion, kind: _kind, ...rest } = object;
    const identity = { apiVersion: apiVersionOf(kind), kind: kind.kind };
    return JSON.stringify({ ...identity, ...rest, metadata });
  }

  encode(kind: Kind, object: ApiObject): Uint8Array {
    const plain = encoder.encode(this.serialize(kind, object));
    const transform = this.transformOf(kind);
    return transform ? transform.seal(this.keyOf(kind, object), plain) : plain;
  }

  /** The values of objects that are `model` but for their metadata; the rest is written out once. */
  encodeCopies<T extends ApiObject>(kind: Kind<T>, model: T, copies: readonly T[]): Uint8Array[] {
    const { metadata: _metadata, ...rest } = model;
    const text = this.serialize(kind, { ...rest, metadata: {} });
    const head = text.slice(0, -'{}}'.length);
    const transform = this.transformOf(kind);
    return copies.map((copy) => {
      const { resourceVersion: _, ...metadata } = copy.metadata;
      const plain = encoder.encode(`${head}${JSON.stringify(metadata)}}`);
      return transform ? transform.seal(this.keyOf(kind, copy), plain) : plain;
    });
  }

  decode<T extends ApiObject>(kind: Kind<T>, entry: Entry, revision = entry.modRevision): T {
    const transform = this.transformOf(kind);
    const plain = transform ? transform.open(entry.key, entry.value) : entry.value;
    const object = JSON.parse(decoder.decode(plain)) as T;
    object.metadata.resourceVersion = String(revision);
    return object;
  }

  /**
   * As `decode`, for an object that nobody changes: it may have parts in common with others of its kind, and those
   * are frozen. Costs a third, and less memory, where objects are alike.
   */
  decodeShared<T extends ApiObject>(kind: Kind<T>, entry: Entry): T {
    const alike = this.transformOf(kind)
      ? undefined
      : this.templates.read(entry.key, entry.value, String(entry.modRevision));
    return (alike as T | undefined) ?? this.decode(kind, entry);
  }

  /** The objects of events are shared by all who watch: they must not be changed. */
  event<T extends ApiObject>(kind: Kind<T>, change: Change): ObjectEvent<T> {
    const { previous: before } = change;
    const previous = before && (() => this.shared(kind, before));
    if (change.type === 'put') {
      const { createRevision, modRevision } = change.entry;
      const type = createRevision === modRevision ? 'ADDED' : 'MODIFIED';
      return new ChangeEvent(type, this.shared(kind, change.entry), previous);
    }
    const { revision } = change;
    const object = before
      ? this.decode(kind, before, revision)
      : this.tombstone(kind, change.key, String(revision));
    return new ChangeEvent('DELETED', object, previous);
  }

  private shared<T extends ApiObject>(kind: Kind<T>, entry: Entry): T {
    const id = `${entry.modRevision} ${entry.key}`;
    const known = this.remembered.get(id);
    if (known) return known.object as T;
    const object = this.decodeShared(kind, entry);
    const bytes = entry.value.length;
    this.remembered.set(id, { object, bytes });
    this.bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.remembered) {
      if (this.bytes <= rememberedBytes) break;
      this.remembered.delete(oldest);
      this.bytes -= freed;
    }
    return object;
  }

  bookmark<T extends ApiObject>(kind: Kind<T>, resourceVersion: string): ObjectEvent<T> {
    const identity = { apiVersion: apiVersionOf(kind), kind: kind.kind };
    return { type: 'BOOKMARK', object: { ...identity, metadata: { resourceVersion } } as T };
  }

  /** All that is known of a deleted object whose last state was compacted away. */
  private tombstone<T extends ApiObject>(kind: Kind<T>, key: string, resourceVersion: string): T {
    const parts = key.split('/');
    const name = parts.at(-1);
    const namespace = kind.namespaced ? { namespace: parts.at(-2) } : {};
    const identity = { apiVersion: apiVersionOf(kind), kind: kind.kind };
    return { ...identity, metadata: { name, ...namespace, resourceVersion } } as T;
  }
}
