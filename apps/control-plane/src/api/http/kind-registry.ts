import type { Kind } from '@gantry/api-machinery';

const keyOf = (group: string, version: string, plural: string) => `${group}/${version}/${plural}`;

/** The kinds that are served, by their place in the API. */
export class KindRegistry {
  private readonly byPlace = new Map<string, Kind>();

  constructor(readonly kinds: readonly Kind[]) {
    for (const kind of kinds) {
      const key = keyOf(kind.group, kind.version, kind.plural);
      if (this.byPlace.has(key)) throw new Error(`kind ${key} is registered twice`);
      this.byPlace.set(key, kind);
    }
  }

  find(group: string, version: string, plural: string): Kind | undefined {
    return this.byPlace.get(keyOf(group, version, plural));
  }
}
