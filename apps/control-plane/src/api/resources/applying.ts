import { type ApiObject, jsonEqual, type Kind, serverSideApply } from '@gantry/api-machinery';
import type { ServerSideApplyOptions } from '@gantry/api-machinery';
import { badRequest } from '@gantry/base';

/** The object of a server-side apply that is to be stored under the name in the URL. */
export function named<T extends ApiObject>(applied: T, name: string): T {
  const metadata = (applied as Partial<ApiObject>).metadata ?? {};
  if (metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  return { ...applied, metadata: { ...metadata, name } };
}

const entries = ({ metadata }: ApiObject) =>
  (metadata.managedFields ?? []).map((entry) => JSON.stringify(entry)).sort();

const withoutEntries = (object: ApiObject) => ({
  ...object,
  metadata: { ...object.metadata, managedFields: undefined },
});

/** The next version of `current` by server-side apply; undefined when it changes nothing. */
export function appliedTo<T extends ApiObject>(
  kind: Kind<T>,
  current: T,
  applied: T,
  options: ServerSideApplyOptions,
): T | undefined {
  const next = serverSideApply(kind, current, applied, options);
  // The order in which managers stand means nothing.
  if (!jsonEqual(entries(next), entries(current))) return next;
  return jsonEqual(withoutEntries(next), withoutEntries(current)) ? undefined : next;
}
