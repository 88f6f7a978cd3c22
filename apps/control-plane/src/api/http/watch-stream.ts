import { Readable } from 'node:stream';
import type { ApiObject, Kind, TableRow, WatchEvent } from '@gantry/api-machinery';
import { describeError, GantryError } from '@gantry/base';
import type { DeliveredEvent } from '../resources/options.js';
import type { ApiRequest } from './api-request.js';
import type { ApiResponse } from './api-response.js';
import type { ApiContext } from './context.js';
import { booleanOf, listOptions, watchMs } from './query.js';
import { representationOf } from './read.js';
import { type Representation, tableOf } from './represent.js';
import { failure } from './status.js';
import type { Target } from './target.js';

type Encode = (event: DeliveredEvent<ApiObject>) => string;

const lineOf = (event: WatchEvent<object>) => `${JSON.stringify(event)}\n`;

/** Table watches name the columns in their first event only. */
function tableEncoder(kind: Kind, how: Representation, now: () => number): Encode {
  let first = true;
  return ({ type, object }) => {
    const metadata = { resourceVersion: object.metadata.resourceVersion };
    const rows = type === 'BOOKMARK' ? [] : [object];
    const table = tableOf(kind, rows, metadata, { ...how, nowMs: now() }, first);
    if (type === 'BOOKMARK') table.rows.push(positionRow(kind, object));
    first = false;
    return lineOf({ type, object: table });
  };
}

// A bookmark has no state to show; its row carries the position and what is annotated to it.
function positionRow(kind: Kind, { metadata }: ApiObject): TableRow {
  const object = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
  return { cells: kind.columns.map(() => null), object };
}

function encoderFor(kind: Kind, how: Representation, now: () => number): Encode {
  const { form } = how;
  if (form.as === 'table') return tableEncoder(kind, how, now);
  if (form.as !== 'metadata') return (event) => event.line();
  const apiVersion = `meta.k8s.io/${form.version}`;
  return ({ type, object: { metadata } }) =>
    lineOf({ type, object: { kind: 'PartialObjectMetadata', apiVersion, metadata } });
}

/** Lines, those of one moment in one piece, until the events end; an error in between becomes an ERROR event, as watchers expect it. */
async function* lines(
  events: AsyncIterable<readonly DeliveredEvent<ApiObject>[]>,
  encode: Encode,
  context: ApiContext,
): AsyncGenerator<string> {
  try {
    for await (const batch of events) yield batch.map(encode).join('');
  } catch (error) {
    if (!(error instanceof GantryError)) {
      context.logger.error({ err: describeError(error) }, 'watch failed');
    }
    yield lineOf({ type: 'ERROR', object: failure(error) });
  }
}

/** Follows a kind, or with a name one object, until the client's or the server's time is up. */
export async function watchObjects(
  context: ApiContext,
  request: ApiRequest,
  target: Target,
): Promise<ApiResponse> {
  const { kind, namespace } = target;
  const { query } = request;
  const how = representationOf(request, context.clock.now());
  const { labelSelector, fieldSelector, resourceVersion } = listOptions(query, namespace);
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(watchMs(query))]);
  const events = await context.resources.watch(kind, {
    namespace,
    labelSelector,
    resourceVersion,
    fieldSelector: withName(fieldSelector, target.path.name),
    allowBookmarks: booleanOf(query, 'allowWatchBookmarks'),
    sendInitialEvents: booleanOf(query, 'sendInitialEvents'),
    signal,
  });
  const encode = encoderFor(kind, how, () => context.clock.now());
  const body = Readable.from(lines(events, encode, context), { objectMode: false });
  return { status: 200, contentType: 'application/json', body };
}

function withName(fieldSelector: string | undefined, name: string | undefined): string | undefined {
  if (name === undefined) return fieldSelector;
  return [fieldSelector, `metadata.name=${name}`].filter(Boolean).join(',');
}
