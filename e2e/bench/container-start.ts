/**
 * `npm run bench -- container-start`: one container from nothing to nothing, the whole process of the runtime. All
 * namespaces, a cgroup with limits, the default seccomp profile; ours mounts its overlay, the peers get a plain
 * directory. The floor is a bare clone, overlay, mounts and pivot_root without any of the safety. The engines (ctr,
 * podman, docker) run a container of their own without a network. Interleaved, first back to back, then each after a
 * rest.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { engineContender, startContenders, type Contender } from './container-start/contenders.ts';
import type { Stopwatch } from './container-start/stopwatch.ts';
import { startEngines } from './peers/engines.ts';
import type { Options, Report } from './report.ts';
import { summarize, type Result } from './statistics.ts';

const rounds = 30;
const warmups = 3;
const restMs = 300;
const native = join(import.meta.dirname, '../../native');

function build(): void {
  const crates = ['-p', 'gantry-runtime', '-p', 'gantry-bench'];
  const argv = ['build', '--release', ...crates, '--bins'];
  execFileSync('cargo', argv, { cwd: native, stdio: ['ignore', 2, 2] });
}

async function measure(
  name: string,
  contenders: readonly Contender[],
  idleMs: number,
): Promise<Result> {
  const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = -warmups; round < rounds; round++) {
    for (const contender of contenders) {
      const ms = await contender.time(idleMs);
      if (round >= 0) samples.get(contender.name)!.push(ms);
    }
  }
  const { gantry = [], ...peers } = Object.fromEntries(samples);
  return summarize(name, 'ms', gantry, peers);
}

export async function run(_options: Options): Promise<Report> {
  build();
  // Overlay uppers must not lie on an overlay or vanish below a private /tmp: the disk it is.
  const directory = mkdtempSync('/var/tmp/gantry-bench-start-');
  // Where runtimes keep their state by default.
  const state = mkdtempSync('/run/gantry-bench-start-');
  const stopwatches: Stopwatch[] = [];
  const binaries = join(native, 'target/release');
  const { engines, missing } = await startEngines(join(binaries, 'gantry-runtime'));
  try {
    const bare = startContenders(binaries, directory, state);
    stopwatches.push(...bare.stopwatches);
    const driven = [...engines].map(([name, engine]) => engineContender(name, engine));
    const contenders = [...bare.contenders, ...driven];
    const results = [
      await measure('start', contenders, 0),
      await measure('start_after_idle', contenders, restMs),
    ];
    return { missing: [...bare.missing, ...missing], results };
  } finally {
    for (const stopwatch of stopwatches) await stopwatch.close();
    for (const engine of engines.values()) await engine.close();
    for (const place of [directory, state]) rmSync(place, { recursive: true, force: true });
  }
}
