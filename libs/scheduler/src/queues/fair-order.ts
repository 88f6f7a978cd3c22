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
    const turns = new Turns(this.shares, this.hasChoice());
    for (let pods = 0; this.count > 0;) {
      const level = this.levels.get(Math.max(...this.levels.keys()))!;
      const [item] = level.get(turns.next(level.keys()))!;
      pods += item!.asks.length;
      if (pods > limit && taken.length > 0) break;
      this.delete(item!);
      turns.took(item!);
      taken.push(item!);
    }
    return taken;
  }

  private hasChoice(): boolean {
    for (const level of this.levels.values()) if (level.size > 1) return true;
    return false;
  }
}

/** The shares of namespaces while one batch is taken; each is computed anew only when it took something. */
class Turns {
  private readonly shareOf = new Map<string, number>();
  private readonly asked = new Map<string, Map<number, number>>();

  constructor(
    private readonly shares: Pick<NamespaceShares, 'share' | 'refresh'>,
    private readonly hasChoice: boolean,
  ) {
    if (hasChoice) shares.refresh();
  }

  next(namespaces: Iterable<string>): string {
    let best: string | undefined;
    let least = Infinity;
    for (const namespace of namespaces) {
      if (!this.hasChoice) return namespace;
      const share = this.share(namespace);
      if (best !== undefined && share >= least) continue;
      best = namespace;
      least = share;
    }
    return best!;
  }

  took({ namespace, asks }: Waiting): void {
    if (!this.hasChoice) return;
    const sum = this.asked.get(namespace) ?? new Map<number, number>();
    this.asked.set(namespace, sum);
    for (const { columns, amounts } of asks) {
      for (let i = 0; i < columns.length; i++) {
        sum.set(columns[i]!, (sum.get(columns[i]!) ?? 0) + amounts[i]!);
      }
    }
    this.shareOf.delete(namespace);
  }

  private share(namespace: string): number {
    const known = this.shareOf.get(namespace);
    if (known !== undefined) return known;
    const share = this.shares.share(namespace, this.asked.get(namespace));
    this.shareOf.set(namespace, share);
    return share;
  }
}
