import type { Kind } from '../kind.js';
import * as meta from '../meta/index.js';
import type { Struct } from './field.js';
import { planOf, structOf } from './plan.js';

const metaStructs: ReadonlySet<unknown> = new Set(Object.values(meta));

function prefixOf({ group, version }: Kind): string {
  if (group.includes('.')) return `${group.split('.').toReversed().join('.')}.${version}`;
  return `io.k8s.api.${group || 'core'}.${version}`;
}

/** All structs that a struct is made of, itself first. */
export function reachableStructs(struct: Struct): Set<Struct> {
  const found = new Set<Struct>([struct]);
  for (const at of found) {
    for (const { type } of planOf(at).list) {
      const inner = structOf(type);
      if (inner) found.add(inner);
    }
  }
  return found;
}

/** The name of each struct's schema, as upstream names it: by the group that uses it first. */
export function schemaNames(kinds: readonly Kind[]): ReadonlyMap<Struct, string> {
  const names = new Map<Struct, string>();
  // The core group comes first: the others build on its types.
  for (const kind of kinds.toSorted((a, b) => a.group.localeCompare(b.group))) {
    for (const struct of reachableStructs(kind.type)) {
      if (names.has(struct)) continue;
      const prefix = metaStructs.has(struct)
        ? 'io.k8s.apimachinery.pkg.apis.meta.v1'
        : prefixOf(kind);
      names.set(struct, `${prefix}.${struct.name}`);
    }
  }
  return names;
}
