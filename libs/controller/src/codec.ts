import { apiVersionOf, type ApiObject, type Kind } from '@gantry/api-machinery';
import type { Change, Entry } from '@gantry/store';
import { storeKey } from './object-key.js';
import type { ObjectEvent } from './object-events.js';
import type { ValueTransform } from './value-transform.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Turns objects into values and back; the revision lives beside the value, never in it. */
export class Codec {
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

  decode<T extends ApiObject>(kind: Kind<T>, entry: Entry, revision = entry.modRevision): T {
    const transform = this.transformOf(kind);
    const plain = transform ? transform.open(entry.key, entry.value) : entry.value;
    const object = JSON.parse(decoder.decode(plain)) as T;
    object.metadata.resourceVersion = String(revision);
    return object;
  }

  event<T extends ApiObject>(kind: Kind<T>, change: Change): ObjectEvent<T> {
    const previous = change.previous && this.decode(kind, change.previous);
    if (change.type === 'put') {
      const type = change.entry.createRevision === change.entry.modRevision ? 'ADDED' : 'MODIFIED';
      return { type, object: this.decode(kind, change.entry), ...(previous ? { previous } : {}) };
    }
    const { revision } = change;
    const object = change.previous
      ? this.decode(kind, change.previous, revision)
      : this.tombstone(kind, change.key, String(revision));
    return { type: 'DELETED', object, ...(previous ? { previous } : {}) };
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
