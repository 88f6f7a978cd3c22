/**
 * `npm run bench -- container-density [--containers 200] [--rounds 3]`: many idle containers on one machine. Reports what is
 * held beside each of them (MiB of private memory of our monitor, conmon and containerd's shim; the daemons of
 * containerd and Docker come on top and are not counted) and the time to start and to remove all of them, one
 * after another, each from its bundle or image without a network.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Workshop } from '../engines/engine.ts';
import { byEngine, type Contender, keeperNames, ours } from './container-density/contenders.ts';
import { privateMib } from './container-density/keepers.ts';
import { startEngines } from './peers/engines.ts';
import type { FlagUses } from './flags.ts';
import type { Options, Report } from './report.ts';
import { summarize, type Result } from './statistics.ts';

const native = join(import.meta.dirname, '../../native');

interface Sample {
  readonly startMs: number;
  readonly removeMs: number;
  readonly keeperMib: number;
}

export const flags: FlagUses = {
  containers: { takes: 'N', fallback: '200' },
  rounds: { takes: 'N', fallback: '3' },
};

async function sample(contender: Contender, containers: number): Promise<Sample> {
  const names = Array.from({ length: containers }, (_, i) => `density-${process.pid}-${i}`);
  const begin = performance.now();
  for (const name of names) await contender.start(name);
  const startMs = performance.now() - begin;
  const keeperMib = privateMib(await contender.keepers()) / containers;
  const end = performance.now();
  for (const name of names) await contender.remove(name);
  return { startMs, removeMs: performance.now() - end, keeperMib };
}

type Samples = ReadonlyMap<string, readonly Sample[]>;

function result(
  name: string,
  unit: string,
  samples: Samples,
  pick: (sample: Sample) => number,
): Result {
  const figures = [...samples].map(([who, all]) => [who, all.map(pick)] as const);
  const { gantry = [], ...peers } = Object.fromEntries(figures);
  return summarize(name, unit, gantry, peers);
}

/** Peers go by the process that holds the memory, since that is what is compared. */
function keepersOnly(samples: Samples): Samples {
  const named = [...samples].flatMap(([who, all]) => {
    if (who === 'gantry') return [[who, all] as const];
    const keeper = keeperNames[who];
    return keeper ? [[keeper, all] as const] : [];
  });
  return new Map(named);
}

async function measure(
  contenders: readonly Contender[],
  { containers, rounds }: { containers: number; rounds: number },
): Promise<Result[]> {
  const samples = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      process.stderr.write(`round ${round} of ${rounds}: ${containers} by ${contender.name}\n`);
      samples.get(contender.name)!.push(await sample(contender, containers));
    }
  }
  return [
    result('private_memory', 'MiB', keepersOnly(samples), ({ keeperMib }) => keeperMib),
    result(`start_${containers}`, 'ms', samples, ({ startMs }) => startMs),
    result(`remove_${containers}`, 'ms', samples, ({ removeMs }) => removeMs),
  ];
}

export async function run({ flags: given }: Options): Promise<Report> {
  const [containers, rounds] = [given.number('containers'), given.number('rounds')];
  const argv = ['build', '--release', '-p', 'gantry-runtime', '-p', 'gantry-monitor', '--bins'];
  execFileSync('cargo', argv, { cwd: native, stdio: ['ignore', 2, 2] });
  const binaries = join(native, 'target/release');
  const directory = mkdtempSync('/var/tmp/gantry-bench-density-');
  const shop = await Workshop.open();
  const contenders: Contender[] = [];
  try {
    await shop.rootfs();
    contenders.push(await ours(binaries, directory, shop.path('rootfs')));
    const { engines, missing } = await startEngines(join(binaries, 'gantry-runtime'));
    for (const [name, engine] of engines) contenders.push(byEngine(name, engine));
    return { missing, results: await measure(contenders, { containers, rounds }) };
  } finally {
    for (const contender of contenders) await contender.close();
    await shop.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
