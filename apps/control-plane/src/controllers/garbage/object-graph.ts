import { apiVersionOf, type ApiObject, type Kind, type OwnerReference } from '@gantry/api';
import { objectKey, type Informer, type Informers } from '@gantry/controller';

const byOwner = 'owner-uid';

/** One object with its kind, as queues carry it: `PLURAL.GROUP NAMESPACE/NAME`. */
export interface Node {
  readonly kind: Kind;
  readonly object: ApiObject;
}

/** Owners and dependents over all kinds that can have them, from the informers' caches. */
export class ObjectGraph {
  readonly informers: readonly Informer<ApiObject>[];
  private readonly byId = new Map<string, Informer<ApiObject>>();
  private readonly byType = new Map<string, Informer<ApiObject>>();

  constructor(informers: Informers, kinds: readonly Kind[]) {
    this.informers = kinds.map((kind) => informers.for(kind));
    for (const informer of this.informers) {
      const { kind } = informer;
      informer.addIndex(byOwner, ({ metadata }) =>
        (metadata.ownerReferences ?? []).map((reference) => reference.uid),
      );
      this.byId.set(`${kind.plural}.${kind.group}`, informer);
      this.byType.set(`${apiVersionOf(kind)}/${kind.kind}`, informer);
    }
  }

  key(kind: Kind, object: ApiObject): string {
    return `${kind.plural}.${kind.group} ${objectKey(object)}`;
  }

  find(key: string): Node | undefined {
    const space = key.indexOf(' ');
    const informer = this.byId.get(key.slice(0, space));
    const object = informer?.getByKey(key.slice(space + 1));
    return informer && object && { kind: informer.kind, object };
  }

  dependents(uid: string): Node[] {
    return this.informers.flatMap((informer) =>
      informer.byIndex(byOwner, uid).map((object) => ({ kind: informer.kind, object })),
    );
  }

  /** The kind that a reference is about; undefined when it is not served here. */
  ownerKind(reference: OwnerReference): Kind | undefined {
    return this.byType.get(`${reference.apiVersion}/${reference.kind}`)?.kind;
  }

  /** The key of the owner that a reference of this object names. */
  ownerKey(object: ApiObject, reference: OwnerReference): string | undefined {
    const kind = this.ownerKind(reference);
    if (!kind) return undefined;
    const { namespace } = object.metadata;
    const place = kind.namespaced ? `${namespace}/${reference.name}` : reference.name;
    return `${kind.plural}.${kind.group} ${place}`;
  }

  /**
   * Who must be looked at after this change: the object if an owner of it is not known to be there or it is
   * going itself, its owners that wait to go, and what depends on it. Most changes concern nobody.
   */
  concernedBy(kind: Kind, object: ApiObject): string[] {
    const keys: string[] = [];
    let isOrphaned = false;
    for (const reference of object.metadata.ownerReferences ?? []) {
      const key = this.ownerKey(object, reference);
      const owner = key && this.find(key)?.object;
      const isThere = owner && owner.metadata.uid === reference.uid;
      if (!isThere || owner.metadata.deletionTimestamp) isOrphaned = true;
      if (isThere && owner.metadata.deletionTimestamp) keys.push(key);
    }
    const current = this.informerOf(kind)?.getByKey(objectKey(object));
    const isGoing =
      current?.metadata.uid !== object.metadata.uid || current?.metadata.deletionTimestamp;
    if (isOrphaned || isGoing) keys.push(this.key(kind, object));
    if (!isGoing) return keys;
    const dependents = this.dependents(object.metadata.uid!);
    return [...keys, ...dependents.map((each) => this.key(each.kind, each.object))];
  }

  private informerOf(kind: Kind): Informer<ApiObject> | undefined {
    return this.byId.get(`${kind.plural}.${kind.group}`);
  }
}
