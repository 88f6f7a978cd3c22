import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { writeBundle } from './bundle.ts';
import { Stopwatch } from './stopwatch.ts';

/** One way to start a container: a whole command, and the stopwatch in whose surroundings it runs. */
export interface Contender {
  readonly name: string;
  readonly argv: readonly string[];
  readonly stopwatch: Stopwatch;
}

const hybrid = existsSync('/sys/fs/cgroup/unified');
// crun takes a hybrid host for one it does not know, unless the v2 tree is out of its sight.
const hideUnified = 'mount -t tmpfs none /sys/fs/cgroup/unified';

function installed(program: string): boolean {
  const path = (process.env.PATH ?? '').split(delimiter);
  return [...path, '/usr/sbin', '/sbin'].some((dir) => existsSync(join(dir, program)));
}

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
): { contenders: Contender[]; missing: string[] } {
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
  const contenders: Contender[] = [
    {
      name: 'gantry',
      argv: run(join(binaries, 'gantry-runtime'), 'gantry', true),
      stopwatch: common,
    },
    { name: 'floor', argv: floor, stopwatch: common },
  ];
  const peers = ['crun', 'runc'];
  const missing = peers.filter((peer) => !installed(peer));
  for (const peer of peers.filter((name) => !missing.includes(name))) {
    const apart = peer === 'crun' && hybrid;
    const stopwatch = apart ? new Stopwatch(program, hideUnified) : common;
    contenders.push({ name: peer, argv: run(peer, peer, false), stopwatch });
  }
  return { contenders, missing };
}
