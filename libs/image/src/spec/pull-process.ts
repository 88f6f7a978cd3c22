import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { LayerFormat } from '../types.js';
import { layersBinary } from './stores.js';

const root = join(import.meta.dirname, '../../../..');
const script = `
import { ImageStore } from '@gantry/image';
import { silentLogger } from '@gantry/base';
const [dir, layersBinary, name, layerFormat] = process.argv.slice(1);
const store = new ImageStore({ dir, layersBinary, logger: silentLogger, layerFormat });
await store.pull(name, { onProgress: ({ bytesDone }) => process.stdout.write(bytesDone + '\\n') });
await store.close();
`;

/** Compiles the library for `startPull`, which runs outside the test runner. */
export function compileLibrary(): void {
  const tsc = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  );
  execFileSync(process.execPath, [tsc, '-b', 'libs/image'], { cwd: root, stdio: 'pipe' });
}

/** A pull in a process group of its own, to be killed. */
export function startPull(dir: string, name: string, format: LayerFormat): ChildProcess {
  const args = ['--input-type=module', '-e', script, dir, layersBinary, name, format];
  const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
  return spawn(process.execPath, args, { cwd: join(root, 'libs/image'), detached: true, stdio });
}

/** SIGKILL for the process alone, or with everything it has started; resolves when it is gone. */
export async function killPull(child: ChildProcess, withChildren: boolean): Promise<void> {
  const exited = once(child, 'exit');
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null) throw new Error('it had ended by itself');
  process.kill(withChildren ? -pid : pid, 'SIGKILL');
  await exited;
}
