import type { ApiObject, Struct } from '@gantry/api-machinery';

/** What a path needs to know of a kind; every `Kind<T>` is one, and so is a row of discovery. */
export interface ResourceType<T extends ApiObject = ApiObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly type?: Struct<T>;
}

export interface ObjectAddress {
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** Values of a query; undefined ones are left out. */
export type Query = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** `?a=b&c=d`, or nothing. */
export function queryText(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const item of Array.isArray(value) ? value : [value])
      parameters.append(name, String(item));
  }
  const text = parameters.toString();
  return text && `?${text}`;
}

/** The path of a collection, an object or its subresource. */
export function resourcePath(resource: ResourceType, address: ObjectAddress = {}): string {
  const { group, version, plural, namespaced } = resource;
  const { namespace, name, subresource } = address;
  const parts = group ? ['apis', group, version] : ['api', version];
  if (namespaced && namespace) parts.push('namespaces', namespace);
  parts.push(plural);
  if (name !== undefined) parts.push(name);
  const path = parts.map(encodeURIComponent).join('/');
  return subresource ? `/${path}/${subresource}` : `/${path}`;
}
