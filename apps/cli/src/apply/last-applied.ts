import type { ApiObject } from '@gantry/api';
import { sortedKeys } from '../sorted-keys.js';

/** The annotation by which kubectl and this program know what was applied last. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object with the annotation that tells what it is. */
export function withLastApplied<T extends ApiObject>(object: T): T {
  const { [lastAppliedAnnotation]: _, ...annotations } = object.metadata.annotations ?? {};
  const plain = { ...object, metadata: { ...object.metadata, annotations } };
  const text = `${JSON.stringify(sortedKeys(plain))}\n`;
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
