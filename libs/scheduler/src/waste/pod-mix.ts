import { cpuColumn, memoryColumn, type Ask } from '../resource-table.js';
import { leftoversOf } from './leftovers.js';

/**
 * What pods ask for as far as is known: the most frequent shapes, and the mean pod. By shape, in arrays that
 * lie side by side, since they are gone through for every state of every node.
 */
export interface PodMix {
  /** That it was learnt from. */
  readonly pods: number;
  /** How likely the next pod is to ask for this; all together are 1. */
  readonly share: Float64Array;
  readonly cpus: Float64Array;
  readonly memories: Float64Array;
  /** The column of the devices asked for; -1 for none. */
  readonly kinds: Int32Array;
  readonly counts: Int32Array;
  readonly millis: Int32Array;
  /** What is expected to be left of one device: see `leftoversOf`. */
  readonly leftovers: ReadonlyMap<number, Float64Array>;
  /** One over what the mean pod asks for; 0 when no pod asks for any. */
  readonly perMeanCpu: number;
  readonly perMeanMemory: number;
}

/** Shapes that a mix keeps; the rarest are left out. */
const maxShapes = 64;

/** The mix of the pods that are on nodes. */
export function mixOf(asks: Iterable<Ask>): PodMix {
  const frequent = [...asks]
    .filter((ask) => ask.placed > 0)
    .sort((a, b) => b.placed - a.placed)
    .slice(0, maxShapes);
  const total = frequent.reduce((sum, ask) => sum + ask.placed, 0);
  const share = Float64Array.from(frequent, (ask) => ask.placed / total);
  const cpus = Float64Array.from(frequent, (ask) => amountOf(ask, cpuColumn));
  const memories = Float64Array.from(frequent, (ask) => amountOf(ask, memoryColumn));
  const demands = frequent.map(({ devices }, i) => ({
    share: share[i]!,
    kind: devices?.[0]?.column ?? -1,
    count: devices?.[0]?.count ?? 0,
    millis: devices?.[0]?.millis ?? 0,
  }));
  return {
    pods: total,
    share,
    cpus,
    memories,
    kinds: Int32Array.from(demands, ({ kind }) => kind),
    counts: Int32Array.from(demands, ({ count }) => count),
    millis: Int32Array.from(demands, ({ millis }) => millis),
    leftovers: leftoversOf(demands),
    perMeanCpu: perMean(share, cpus),
    perMeanMemory: perMean(share, memories),
  };
}

function perMean(share: Float64Array, amounts: Float64Array): number {
  const mean = amounts.reduce((sum, amount, i) => sum + share[i]! * amount, 0);
  return mean > 0 ? 1 / mean : 0;
}

export function amountOf({ columns, amounts }: Ask, column: number): number {
  const at = columns.indexOf(column);
  return at < 0 ? 0 : amounts[at]!;
}
