import { jsonEqual, type ObjectMeta } from '@gantry/api-machinery';

type Entry = NonNullable<ObjectMeta['managedFields']>[number];

/** Deeper field sets than this are no API object's. */
const maxFieldDepth = 64;

/**
 * The managers that a write leaves in place: those stored, unless the client turns them over itself, as
 * `kubectl apply --server-side` does when it takes an object over from client-side apply. What is sent
 * and malformed counts as not sent; a list of one empty entry forgets all managers (Kubernetes,
 * "Server-Side Apply": clearing managedFields).
 */
export function managersFor(next: ObjectMeta, current: ObjectMeta): Entry[] | undefined {
  const sent: unknown = next.managedFields;
  const stored = current.managedFields;
  if (!Array.isArray(sent) || sent.length === 0 || jsonEqual(sent, stored)) return stored;
  if (sent.length === 1 && jsonEqual(sent[0], {})) return undefined;
  return sent.every(isEntry) ? sent : stored;
}

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value)) return false;
  const { manager, operation, fieldsV1 } = value;
  if (typeof manager !== 'string' || manager === '') return false;
  if (operation !== 'Apply' && operation !== 'Update') return false;
  return isRecord(fieldsV1) && isFieldSet(fieldsV1, maxFieldDepth);
}

/** Field sets are objects of objects, down to empty ones (fieldsV1 of `ManagedFieldsEntry`). */
function isFieldSet(set: Record<string, unknown>, depthLeft: number): boolean {
  if (depthLeft === 0) return false;
  return Object.values(set).every((inner) => isRecord(inner) && isFieldSet(inner, depthLeft - 1));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
