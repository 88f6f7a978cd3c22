/**
 * `npm run bench -- scheduler [--nodes 5000,10000,50000] [--rounds 3]`: decisions of the scheduler library in
 * one thread, with sizes from the openb trace. A decision is choosing the node and counting the pod there, and while
 * pods come and go forgetting the one that left; pods are made, with their uids, in the queue's form beforehand, and so
 * is the index of the empty nodes. Each cluster is filled until nothing fits, then churned. Rates are by the clock;
 * those that end in `-cpu` by the time that the process had a core. One decision in seven is timed by itself for the
 * latencies. Then the memory of 20 pods on each node.
 */
import { mebibytesFor } from './scheduler/memory.ts';
import { measure, type Run } from './scheduler/measure.ts';
import type { Sort } from './scheduler/workload.ts';
import { percentile, summarize, type Result } from './statistics.ts';
import type { FlagUses } from './flags.ts';
import type { Options, Report } from './report.ts';

const churnPerRound = 100_000;
const seed = 20_261_121;
/** For the figure of memory: a million on 50,000 nodes. */
const podsPerNode = 20;

export const flags: FlagUses = {
  nodes: { takes: 'N,…', fallback: '5000,10000,50000' },
  rounds: { takes: 'N', fallback: '3' },
};

function runs(sort: Sort, nodes: number, rounds: number): Run[] {
  // The first round warms the compiler up and is thrown away.
  const all = Array.from({ length: rounds + 1 }, (_, i) =>
    measure(sort, nodes, seed + i, churnPerRound),
  );
  return all.slice(1);
}

function perSecond(run: Run): number {
  const { fillDecisions, fillPerSecond, churnPerSecond } = run;
  const seconds = fillDecisions / fillPerSecond + churnPerRound / churnPerSecond;
  return (fillDecisions + churnPerRound) / seconds;
}

/** Evenly spaced quantiles with both ends: as good as all samples, and few enough to sum up. */
function quantiles(runs: readonly Float64Array[], count = 20_000): number[] {
  const all = Float64Array.from(runs.flatMap((run) => Array.from(run))).sort();
  if (all.length <= count) return Array.from(all);
  const step = (all.length - 1) / (count - 1);
  return Array.from({ length: count }, (_, i) => all[Math.round(i * step)]!);
}

function results(sort: Sort, nodes: number, measured: readonly Run[]): Result[] {
  const size = `${nodes / 1_000}k`;
  const name = `${sort}-${size}`;
  const latencies = quantiles(measured.map((run) => run.latenciesMicros));
  const highest = measured.map((run) => percentile(Array.from(run.latenciesMicros), 0.999));
  return [
    summarize(name, 'decisions/s', measured.map(perSecond)),
    summarize(
      `${name}-cpu`,
      'decisions/CPU s',
      measured.map((run) => run.perCpuSecond),
    ),
    summarize(
      `${name}-fill`,
      'decisions/s',
      measured.map((run) => run.fillPerSecond),
    ),
    summarize(
      `${name}-churn`,
      'decisions/s',
      measured.map((run) => run.churnPerSecond),
    ),
    summarize(`latency-${name}`, 'µs', latencies),
    summarize(`latency-${name}-p99.9`, 'µs', highest),
    summarize(
      `memory-${name}`,
      'MiB',
      measured.map((run) => run.mebibytes),
    ),
  ];
}

export async function run({ flags: given }: Options): Promise<Report> {
  const [sizes, rounds] = [given.numbers('nodes'), given.number('rounds')];
  const found: Result[] = [];
  for (const nodes of sizes) {
    for (const sort of ['plain', 'constrained'] as const) {
      found.push(...results(sort, nodes, runs(sort, nodes, rounds)));
    }
  }
  for (const nodes of sizes) {
    const pods = nodes * podsPerNode;
    const name = `memory-${nodes / 1_000}k-nodes-${pods / 1_000}k-pods`;
    found.push(summarize(name, 'MiB', [mebibytesFor(nodes, pods, seed)]));
  }
  return { missing: [], results: found };
}
