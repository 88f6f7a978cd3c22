import type { Ask } from '../resource-table.js';
import type { NamespaceShares } from './namespace-shares.js';

/** Something that waits to be decided on: a pod, or a gang of them. */
export interface Waiting {
  readonly namespace: string;
  readonly priority: number;
  /** What each of its pods would take. */
  readonly asks: readonly Ask[];
}

/**
 * Who is next: the highest priority first; among those the namespace with the smallest weighted dominant share,
 * as it will be once what was just taken is placed; within a namespace in order of arrival.
 */
export class FairOrder<T extends Waiting> {
  private readonly levels = new Map<number, Map<string, Set<T>>>();
  private count = 0;

  constructor(private readonly shares: Pick<NamespaceShares, 'share' | 'refresh'>) {}

  get size(): number {
    return this.count;
  }

  /** At the end of its namespace's line. */
  add(item: T): void {
    const level = this.levels.get(item.priority) ?? new Map<string, Set<T>>();
    this.levels.set(item.priority, level);
    const line = level.get(item.namespace) ?? new Set<T>();
    level.set(item.namespace, line);
    if (line.has(item)) return;
    line.add(item);
    this.count += 1;
  }

  delete(item: T): boolean {
    const level = this.levels.get(item.priority);
    const line = level?.get(item.namespace);
    if (!line?.delete(item)) return false;
    this.count -= 1;
    if (line.size === 0) level!.delete(item.namespace);
    if (level!.size === 0) this.levels.delete(item.priority);
    return true;
  }

  clear(): void {
    this.levels.clear();
    this.count = 0;
  }

  /** Takes out items with up to `limit` pods together, in their order; at least one item. */
  take(limit: number): T[] {
    const taken: T[] = [];
    const asked = new Map<string, Ask[]>();
    if (this.hasChoice()) this.shares.refresh();
    for (let pods = 0; this.count > 0;) {
      const level = this.levels.get(Math.max(...this.levels.keys()))!;
      const namespace = this.next(level, asked);
      const [item] = level.get(namespace)!;
      pods += item!.asks.length;
      if (pods > limit && taken.length > 0) break;
      this.delete(item!);
      asked.set(namespace, [...(asked.get(namespace) ?? []), ...item!.asks]);
      taken.push(item!);
    }
    return taken;
  }

  private hasChoice(): boolean {
    for (const level of this.levels.values()) if (level.size > 1) return true;
    return false;
  }

  private next(level: ReadonlyMap<string, Set<T>>, asked: ReadonlyMap<string, Ask[]>): string {
    let best = '';
    let least = Infinity;
    for (const namespace of level.keys()) {
      if (level.size === 1) return namespace;
      const share = this.shares.share(namespace, asked.get(namespace));
      if (share >= least && best !== '') continue;
      best = namespace;
      least = share;
    }
    return best;
  }
}
