import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unavailable } from '@gantry/base';

/** Where things are below the run directory. */
export interface RunPaths {
  readonly socket: string;
  readonly monitorState: string;
  readonly runtimeRoot: string;
  /** State of runtimes that are not ours, one directory each. */
  readonly foreignRoots: string;
}

export function runPaths(runDir: string): RunPaths {
  return {
    socket: join(runDir, 'monitor.sock'),
    monitorState: join(runDir, 'monitor'),
    runtimeRoot: join(runDir, 'runtime'),
    foreignRoots: join(runDir, 'runtimes'),
  };
}

/**
 * Starts the launcher, which detaches itself; resolves when its socket answers. That another one
 * was faster is no error.
 */
export async function startLauncher(nativeDir: string, runDir: string): Promise<void> {
  await mkdir(runDir, { recursive: true, mode: 0o755 }).catch((cause: Error) => {
    throw unavailable(`make run directory ${runDir}`, { cause });
  });
  const paths = runPaths(runDir);
  const binary = join(nativeDir, 'gantry-monitor');
  const flags = ['serve', '--detach', '--socket', paths.socket, '--state-dir', paths.monitorState];
  const { code, stderr } = await run(binary, flags);
  if (code === 0 || stderr.includes('another launcher')) return;
  throw unavailable(`start gantry-monitor: ${stderr.trim() || `exited with ${code}`}`);
}

function run(binary: string, flags: string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    // Its own environment stays empty: what it starts must inherit nothing of ours.
    const child = spawn(binary, flags, { stdio: ['ignore', 'ignore', 'pipe'], env: {}, cwd: '/' });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 4096) stderr += chunk.toString();
    });
    child.once('error', (cause) => {
      reject(unavailable(`start gantry-monitor: ${binary} does not run`, { cause }));
    });
    child.once('close', (code) => resolve({ code, stderr }));
  });
}
