import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** The program of an installation. */
export const layersProgram = ({ nativeDir }: { readonly nativeDir: string }): string =>
  join(nativeDir, 'gantry-layers');

/** What gantry-layers has refused to do, or failed at, in its own words. */
export class LayersError extends Error {}

function complaint(stderr: string): string {
  try {
    return (JSON.parse(stderr) as { message: string }).message;
  } catch {
    return stderr.trim();
  }
}

/** Runs a verb of gantry-layers on `input` (as JSON) and returns its result. */
export async function runLayers<T>(
  binary: string,
  args: readonly string[],
  options: { readonly input?: unknown; readonly signal?: AbortSignal } = {},
): Promise<T> {
  const child = spawn(binary, args, { env: {}, signal: options.signal });
  // A program that cannot start or read says so by its exit.
  child.stdin.on('error', () => {}).end(JSON.stringify(options.input ?? null));
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  if (code === 0) return JSON.parse(stdout) as T;
  throw new LayersError(`gantry-layers ${args[0]} failed: ${complaint(stderr)}`);
}
