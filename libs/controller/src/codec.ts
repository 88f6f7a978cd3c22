import { apiVersionOf, type ApiObject, type Kind } from '@gantry/api-machinery';
import type { Change, Entry } from '@gantry/store';
import { storeKey } from './object-key.js';
import type { ObjectEvent } from './object-events.js';
import { objectText, versionedText } from './object-text.js';
import { RecentlyUsed } from './recently-used.js';
import { Templates } from './templates.js';
import type { ValueTransform } from './value-transform.js';

const decoder = new TextDecoder();

/**
 * Objects of the last events, by the bytes of their values: several watchers in one process get the same events at about the same time, and
 * what one saw as the new state the next event shows as the previous one.
 */
const rememberedBytes = 8 * 2 ** 20;

interface Remembered<T extends ApiObject> {
  readonly object: T;
  /** Its text, where that can be passed on as it is. */
  readonly stored?: Buffer;
}

class ChangeEvent<T extends ApiObject> implements ObjectEvent<T> {
  private made: T | undefined;

  constructor(
    readonly type: ObjectEvent<T>['type'],
    readonly object: T,
    private readonly makePrevious: (() => T) | undefined,
    private readonly stored?: Buffer,
  ) {}

  json(): string {
    const { object, stored } = this;
    const verbatim = stored && versionedText(stored.toString(), object.metadata.resourceVersion!);
    return verbatim ?? objectText(object);
  }

  /** Made when it is asked for: most who watch keep the state before by themselves. */
  get previous(): T | undefined {
    return (this.made ??= this.makePrevious?.());
  }
}

/** Turns objects into values and back; the revision lives beside the value, never in it. */
export class Codec {
  private readonly recent = new RecentlyUsed<Remembered<ApiObject>>(rememberedBytes);
  private readonly templates = new Templates();

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
    return objectText({ ...rest, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata });
  }

  /** `text` is what `serialize` makes of the object, if that is known. */
  encode(kind: Kind, object: ApiObject, text = this.serialize(kind, object)): Uint8Array {
    return this.seal(kind, object, text);
  }

  private seal(kind: Kind, object: ApiObject, text: string): Uint8Array {
    const plain = Buffer.from(text);
    const transform = this.transformOf(kind);
    return transform ? transform.seal(this.keyOf(kind, object), plain) : plain;
  }

  /** The values of objects that are `model` but for their metadata; the rest is written out once. */
  encodeCopies<T extends ApiObject>(kind: Kind<T>, model: T, copies: readonly T[]): Uint8Array[] {
    const empty = '{}';
    const text = this.serialize(kind, { ...model, metadata: {} });
    const at = text.indexOf(empty);
    const [head, tail] = [text.slice(0, at), text.slice(at + empty.length)];
    return copies.map((copy) => {
      const { resourceVersion: _, ...metadata } = copy.metadata;
      return this.seal(kind, copy, `${head}${JSON.stringify(metadata)}${tail}`);
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
    return this.alike(kind, entry) ?? this.decode(kind, entry);
  }

  private alike<T extends ApiObject>(kind: Kind<T>, entry: Entry): T | undefined {
    if (this.transformOf(kind)) return undefined;
    return this.templates.read(entry.key, entry.value, String(entry.modRevision)) as T | undefined;
  }

  /** The objects of events are shared by all who watch: they must not be changed. */
  event<T extends ApiObject>(kind: Kind<T>, change: Change): ObjectEvent<T> {
    const { previous: before } = change;
    const previous = before && (() => this.shared(kind, before).object);
    if (change.type === 'put') {
      const { createRevision, modRevision } = change.entry;
      const type = createRevision === modRevision ? 'ADDED' : 'MODIFIED';
      const { object, stored } = this.shared(kind, change.entry);
      return new ChangeEvent(type, object, previous, stored);
    }
    const { revision } = change;
    const object = before
      ? this.decode(kind, before, revision)
      : this.tombstone(kind, change.key, String(revision));
    return new ChangeEvent('DELETED', object, previous);
  }

  private shared<T extends ApiObject>(kind: Kind<T>, entry: Entry): Remembered<T> {
    const id = `${entry.modRevision} ${entry.key}`;
    const known = this.recent.get(id);
    if (known) return known as Remembered<T>;
    const made = this.read(kind, entry);
    this.recent.set(id, made, entry.value.length);
    return made;
  }

  private read<T extends ApiObject>(kind: Kind<T>, entry: Entry): Remembered<T> {
    const object = this.alike(kind, entry);
    if (!object) return { object: this.decode(kind, entry) };
    // What a template has read is JSON without spaces, and no key is in it twice. A copy, since the value is a part of
    // the message it came in, which would stay with it.
    return { object, stored: Buffer.from(entry.value) };
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
