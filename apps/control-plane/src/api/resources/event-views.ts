import type { ApiObject, Kind } from '@gantry/api-machinery';
import {
  coreEvent,
  coreEventSelector,
  type Event,
  EventKind,
  type ReportedEvent,
  reportedEvent,
  ReportedEventKind,
} from '@gantry/api';
import { invalidObject } from './details.js';
import type {
  DeleteOptions,
  DeliveredEvent,
  Deletion,
  ListOptions,
  ListPage,
  Selection,
  WatchRequest,
  WriteOptions,
  WriteTarget,
} from './options.js';
import { Resources } from './resources.js';
import type { Change } from './writer.js';

const isView = (kind: Kind) => kind === (ReportedEventKind as Kind);

function inCore<T extends Selection>(selection: T): T {
  const { fieldSelector } = selection;
  return fieldSelector === undefined
    ? selection
    : { ...selection, fieldSelector: coreEventSelector(fieldSelector) };
}

const shown = <T extends ApiObject>(event: Event) => reportedEvent(event) as ApiObject as T;
const stored = <T extends ApiObject>(event: T) => coreEvent(event as ApiObject as ReportedEvent);

/** An event of a watch of events, in the words of events.k8s.io/v1. */
class ShownEvent<T extends ApiObject> implements DeliveredEvent<T> {
  readonly type: DeliveredEvent<T>['type'];
  readonly object: T;

  constructor({ type, object }: DeliveredEvent<Event>) {
    this.type = type;
    this.object = shown(object);
  }

  line(): string {
    return `${JSON.stringify({ type: this.type, object: this.object })}\n`;
  }
}

type Batches<T extends ApiObject> = AsyncIterable<readonly DeliveredEvent<T>[]>;

async function* shownEvents<T extends ApiObject>(batches: Batches<Event>) {
  for await (const batch of batches) yield batch.map((event) => new ShownEvent<T>(event));
}

/** Resources that know events by both of their names: those of events.k8s.io/v1 are those of v1, shown otherwise. */
export class EventViews extends Resources {
  override async get<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
  ) {
    if (!isView(kind)) return super.get(kind, namespace, name);
    return shown<T>(await super.get(EventKind, namespace, name));
  }

  override async list<T extends ApiObject>(
    kind: Kind<T>,
    options: ListOptions = {},
  ): Promise<ListPage<T>> {
    if (!isView(kind)) return super.list(kind, options);
    const page = await super.list(EventKind, inCore(options));
    return { ...page, items: page.items.map((event) => shown<T>(event)) };
  }

  override async watch<T extends ApiObject>(
    kind: Kind<T>,
    request: WatchRequest,
  ): Promise<Batches<T>> {
    if (!isView(kind)) return super.watch(kind, request);
    return shownEvents<T>(await super.watch(EventKind, inCore(request)));
  }

  override async create<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    if (!isView(kind)) return super.create(kind, namespace, object, options);
    const errors = kind.validate(object).filter(({ field }) => !field.startsWith('metadata'));
    if (errors.length > 0) throw invalidObject(kind, object, errors);
    return shown<T>(await super.create(EventKind, namespace, stored(object), options));
  }

  override async mutate<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    change: Change<T>,
    options: WriteOptions & { target?: WriteTarget } = {},
  ): Promise<T> {
    if (!isView(kind)) return super.mutate(kind, namespace, name, change, options);
    const inner: Change<Event> = async (current) => {
      const next = await change(shown<T>(current));
      return next && stored(next);
    };
    return shown<T>(await super.mutate(EventKind, namespace, name, inner, options));
  }

  override async delete<T extends ApiObject>(
    kind: Kind<T>,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): Promise<Deletion<T>> {
    if (!isView(kind)) return super.delete(kind, namespace, name, options);
    const { gone, object } = await super.delete(EventKind, namespace, name, options);
    return { gone, object: shown<T>(object) };
  }

  override async deleteCollection<T extends ApiObject>(
    kind: Kind<T>,
    selection: Selection,
    options: DeleteOptions = {},
  ): Promise<T[]> {
    if (!isView(kind)) return super.deleteCollection(kind, selection, options);
    const events = await super.deleteCollection(EventKind, inCore(selection), options);
    return events.map((event) => shown<T>(event));
  }
}
