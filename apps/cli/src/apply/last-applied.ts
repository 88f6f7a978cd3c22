import type { ApiObject } from '@gantry/api';

/** The annotation by which kubectl and this program know what was applied last. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** JSON with sorted keys, as kubectl writes it, so that either tool reads the other's. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** The object with the annotation that tells what it is. */
export function withLastApplied<T extends ApiObject>(object: T): T {
  const { [lastAppliedAnnotation]: _, ...annotations } = object.metadata.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  const text = `${JSON.stringify(sorted(plain))}\n`;
  const metadata = {
    ...object.metadata,
    annotations: { ...annotations, [lastAppliedAnnotation]: text },
  };
  return { ...object, metadata };
}

/** What was applied last; undefined when the object was made otherwise. */
export function lastApplied(object: ApiObject): object | undefined {
  const text = object.metadata.annotations?.[lastAppliedAnnotation];
  if (!text) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
