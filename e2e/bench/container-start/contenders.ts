import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../engines/engine.ts';
import { engineRuntime, installed } from '../peers/engines.ts';
import { writeBundle } from './bundle.ts';
import { Stopwatch } from './stopwatch.ts';

/** One way to start a container. */
export interface Contender {
  readonly name: string;
  /** Milliseconds from nothing to nothing, after a rest of `idleMs`. */
  time(idleMs: number): Promise<number>;
}

/** A whole command of an engine, timed from here: that it is spawned by Node adds about a millisecond. */
export function engineContender(name: string, engine: Engine): Contender {
  const container = { name: `bench-${process.pid}`, command: ['true'], memory: 256 << 20 };
  return {
    name,
    async time(idleMs) {
      await sleep(idleMs);
      const begin = performance.now();
      const { code, stderr } = await engine.run(engineRuntime, container);
      if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
      return performance.now() - begin;
    },
  };
}

const hybrid = existsSync('/sys/fs/cgroup/unified');
// crun takes a hybrid host for one it does not know, unless the v2 tree is out of its sight.
const hideUnified = 'mount -t tmpfs none /sys/fs/cgroup/unified';

function makeRoot(binaries: string, directory: string): string {
  const root = join(directory, 'root');
  for (const sub of ['bin', 'dev', 'proc', 'sys']) mkdirSync(join(root, sub), { recursive: true });
  copyFileSync(join(binaries, 'gantry-bench-noop'), join(root, 'bin/noop'));
  return root;
}

/** Ours, the floor, and the installed peers, each ready to be timed; all keep their state in one file system. */
export function startContenders(
  binaries: string,
  directory: string,
  stateDirectory: string,
): { contenders: Contender[]; stopwatches: Stopwatch[]; missing: string[] } {
  const root = makeRoot(binaries, directory);
  const group = `gantry-bench-${process.pid}`;
  const program = join(binaries, 'gantry-bench-stopwatch');
  const bundle = (name: string, overlay: boolean): string =>
    writeBundle(join(directory, name), { root, overlay, cgroup: `/${group}-${name}` });
  const common = new Stopwatch(program);
  const run = (binary: string, name: string, overlay: boolean): string[] => {
    const state = join(stateDirectory, name);
    return [binary, '--root', state, 'run', '--bundle', bundle(name, overlay), `${group}-${name}`];
  };
  const floor = [join(binaries, 'gantry-bench-floor'), root, directory, '/bin/noop'];
  const timed = (name: string, argv: readonly string[], stopwatch = common): Contender => ({
    name,
    time: (idleMs) => stopwatch.time(argv, idleMs),
  });
  const stopwatches = [common];
  const contenders = [
    timed('gantry', run(join(binaries, 'gantry-runtime'), 'gantry', true)),
    timed('floor', floor),
  ];
  const peers = ['crun', 'runc'];
  const missing = peers.filter((peer) => !installed(peer));
  for (const peer of peers.filter((name) => !missing.includes(name))) {
    const apart = peer === 'crun' && hybrid;
    const stopwatch = apart ? new Stopwatch(program, hideUnified) : common;
    if (apart) stopwatches.push(stopwatch);
    contenders.push(timed(peer, run(peer, peer, false), stopwatch));
  }
  return { contenders, stopwatches, missing };
}
