import {
  apiVersionOf,
  type ApiObject,
  type Kind,
  type ListMeta,
  type Table,
  toTable,
} from '@gantry/api-machinery';
import { stringify as toYaml } from 'yaml';
import type { ListPage } from '../resources/options.js';
import type { Form } from './accept.js';
import { type ApiResponse, json } from './api-response.js';

/** What rows of a Table carry: nothing, the metadata (default) or the whole object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface Representation {
  readonly form: Form;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
}

function partial(object: ApiObject, apiVersion: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
}

/** Objects as a Table of the asked version; the events of a watch name the columns only once. */
export function tableOf<T extends ApiObject>(
  kind: Kind<T>,
  items: readonly T[],
  metadata: ListMeta,
  how: Representation,
  columnDefinitions = true,
): Table {
  const { form, includeObject, nowMs } = how;
  const version = form.as === 'table' ? form.version : 'v1';
  return toTable(kind, items, { metadata, includeObject, nowMs, version, columnDefinitions });
}

/** One object in the form that was negotiated. */
export function representObject<T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  how: Representation,
): object {
  const { form } = how;
  if (form.as === 'table') {
    const { resourceVersion } = object.metadata;
    return tableOf(kind, [object], { resourceVersion }, how);
  }
  return form.as === 'metadata' ? partial(object, `meta.k8s.io/${form.version}`) : object;
}

function listMeta(page: ListPage<ApiObject>): ListMeta {
  const metadata: ListMeta = { resourceVersion: page.resourceVersion };
  if (page.continue) metadata.continue = page.continue;
  if (page.remainingItemCount) metadata.remainingItemCount = page.remainingItemCount;
  return metadata;
}

// Kubernetes leaves out what the list already says of its items.
function withoutType({ kind: _kind, apiVersion: _version, ...item }: ApiObject): object {
  return item;
}

/** A page in the form that was negotiated. */
export function representList<T extends ApiObject>(
  kind: Kind<T>,
  page: ListPage<T>,
  how: Representation,
): object {
  const { form } = how;
  const metadata = listMeta(page);
  if (form.as === 'table') return tableOf(kind, page.items, metadata, how);
  if (form.as === 'metadata') {
    const apiVersion = `meta.k8s.io/${form.version}`;
    const items = page.items.map((item) => partial(item, apiVersion));
    return { kind: 'PartialObjectMetadataList', apiVersion, metadata, items };
  }
  const items = page.items.map(withoutType);
  return { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items };
}

/** Whether the answer is the object itself, as JSON. */
export function isPlainJson(form: Form): boolean {
  return form.as === 'object' && !form.yaml;
}

/** The answer with `body` as JSON, or as YAML where that was preferred. */
export function respond(
  body: object,
  form: Form,
  status = 200,
  headers?: ApiResponse['headers'],
): ApiResponse {
  if (form.as !== 'object' || !form.yaml) return json(body, status, headers);
  return { status, contentType: 'application/yaml', body: toYaml(body), headers };
}
