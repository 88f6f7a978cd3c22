/**
 * `npm run bench -- packing --trace DIR [--seeds 10] [--only gpu-130]`: how much fits on the machines of Alibaba's openb trace.
 * `gpu-130` is the GPU allocated, in %, when 130% of it was offered; `cell-raw` and `cell-balanced` are the
 * machines needed over the bound, in %, with 0.2% of pods pending; `cell-rebalanced` is the latter when 5% of the
 * pods may be moved afterwards, compared with itself without that. Ours is the profile `balanced`; the same
 * seeds go to our other profiles and to the rules of others.
 */
import { cellOf, machinesOverBound } from './packing/cell.ts';
import { gpuAllocated } from './packing/gpu.ts';
import { ours, policies, type Policy } from './packing/policies.ts';
import { lackOf, readTrace, type Trace } from './packing/trace.ts';
import type { FlagUses } from './flags.ts';
import type { Options, Report } from './report.ts';
import { summarize, type Result } from './statistics.ts';

type Measure = (policy: () => Policy, seed: number) => number | undefined;

const names = ['gpu-130', 'cell-raw', 'cell-balanced', 'cell-rebalanced'];

export const flags: FlagUses = {
  trace: { takes: 'DIR' },
  seeds: { takes: 'N', fallback: '10' },
  only: { takes: names.join('|') },
};

/** Samples by policy, seed by seed; a policy that fails once has none. */
function samples(
  name: string,
  all: Readonly<Record<string, () => Policy>>,
  seeds: number,
  measure: Measure,
): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  for (const [policy, make] of Object.entries(all)) {
    const values: number[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const value = measure(make, seed);
      if (value === undefined) {
        process.stderr.write(`${name}: ${policy} does not fit all pods on all machines\n`);
        values.length = 0;
        break;
      }
      values.push(value);
      process.stderr.write(`${name} ${policy} seed ${seed}: ${value.toFixed(2)}%\n`);
    }
    found[policy] = values;
  }
  return found;
}

export async function run({ flags: given }: Options): Promise<Report> {
  const only = given.find('only');
  if (only !== undefined && !names.includes(only)) throw given.refusal('only', `not ${only}`);
  const seeds = given.number('seeds');
  const directory = given.find('trace');
  const lack = lackOf(directory);
  if (directory === undefined || lack) throw given.refusal('trace', lack);
  const trace = readTrace(directory);
  const all = policies(trace);
  const measures: Record<string, Measure> = {
    'gpu-130': (policy, seed) => gpuAllocated(trace, policy(), seed),
  };
  for (const sort of ['raw', 'balanced'] as const) {
    const cell = cellOf(trace, sort);
    measures[`cell-${sort}`] = (policy, seed) => machinesOverBound(cell, policy, seed);
  }
  const results: Result[] = [];
  for (const [name, measure] of Object.entries(measures)) {
    if (only !== undefined && only !== name) continue;
    const { [ours]: own = [], ...peers } = samples(name, all, seeds, measure);
    results.push(summarize(name, '%', own, peers));
  }
  if (only === undefined || only === 'cell-rebalanced') results.push(rebalanced(trace, all, seeds));
  return { missing: [], results };
}

/** The cell of ours once more, with moves afterwards and without. */
function rebalanced(
  trace: Trace,
  all: Readonly<Record<string, () => Policy>>,
  seeds: number,
): Result {
  const name = 'cell-rebalanced';
  const cell = cellOf(trace, 'balanced');
  const of = (withMoves: boolean): Measure => {
    return (policy, seed) => machinesOverBound(cell, policy, seed, { rebalanced: withMoves });
  };
  const own = { [ours]: all[ours]! };
  const { [ours]: moved = [] } = samples(name, own, seeds, of(true));
  const { [ours]: online = [] } = samples(`${name}, online`, own, seeds, of(false));
  return summarize(name, '%', moved, { online });
}
