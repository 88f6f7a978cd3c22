import { apiVersionOf, type Column, type Kind } from '../kind.js';
import type { ApiObject } from '../meta/object-meta.js';
import type { ListMeta } from '../meta/status.js';
import type { Table, TableColumnDefinition, TableRow } from '../meta/table.js';

export interface TableOptions {
  /** Time that ages are counted to. */
  readonly nowMs: number;
  /** What rows carry: metadata only (default), the full object, or nothing. */
  readonly includeObject?: 'Metadata' | 'Object' | 'None';
  /** Version asked for in Accept; default v1. */
  readonly version?: 'v1' | 'v1beta1';
  /** False leaves out the definitions, as in all but the first event of a watch. */
  readonly columnDefinitions?: boolean;
  readonly metadata?: ListMeta;
}

function definitionOf<T extends ApiObject>(column: Column<T>): TableColumnDefinition {
  const { name, type, format, description, priority } = column;
  return { name, type, format, description, priority };
}

function rowObject<T extends ApiObject>(
  kind: Kind<T>,
  object: T,
  options: TableOptions,
): TableRow['object'] {
  const { includeObject = 'Metadata', version = 'v1' } = options;
  if (includeObject === 'None') return undefined;
  if (includeObject === 'Object') {
    return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
  }
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: object.metadata,
  };
}

/** The objects as a Table with the columns of their kind. */
export function toTable<T extends ApiObject>(
  kind: Kind<T>,
  objects: readonly T[],
  options: TableOptions,
): Table {
  const { version = 'v1', metadata = {}, columnDefinitions = true, nowMs } = options;
  const rows = objects.map((object): TableRow => {
    const cells = kind.columns.map((column) => column.value(object, nowMs));
    const carried = rowObject(kind, object, options);
    return carried ? { cells, object: carried } : { cells };
  });
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    ...(columnDefinitions && { columnDefinitions: kind.columns.map(definitionOf) }),
    rows,
  };
}
