import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import type { Flags } from './flags.ts';
import type { Result } from './statistics.ts';

export type { Result } from './statistics.ts';

/** How a bench was called. */
export interface Options {
  /** Where the JSON object goes besides stdout. */
  readonly jsonFile?: string | undefined;
  /** Install the peers' Debian packages when they are missing. */
  readonly installPeers: boolean;
  /** All arguments after the bench's name that are the bench's own. */
  readonly args: readonly string[];
  /** The same, read as the bench declares them in its `flags`. */
  readonly flags: Flags;
}

/** What a bench found; `missing` names peers that are not installed. */
export interface Report {
  readonly missing: readonly string[];
  readonly results: readonly Result[];
}

/** A file `e2e/bench/NAME.ts` exports this as `run`. */
export type Bench = (options: Options) => Promise<Report>;

const marker = 'GANTRY_BENCH_INSIDE';

/**
 * Runs the work in network and mount namespaces of its own, so that ports, links and mounts vanish with it:
 * the outer call starts this program again inside and takes its report from there.
 */
export async function inNamespaces(
  name: string,
  options: Options,
  work: () => Promise<Report>,
): Promise<Report> {
  if (process.env[marker]) return work();
  const script = 'ip link set lo up && exec "$@"';
  const again = [process.execPath, process.argv[1] ?? '', name, ...options.args];
  const argv = ['-m', '-n', '--propagation', 'private', 'sh', '-c', script, 'sh', ...again];
  const child = spawn('unshare', argv, {
    env: { ...process.env, [marker]: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code} inside its namespaces`);
  return JSON.parse(output) as Report;
}

function machine(): object {
  const [first] = cpus();
  return { cpu: first?.model ?? 'unknown', cores: cpus().length, kernel: release() };
}

function table(results: readonly Result[]): string {
  const rows = results.map((r) => [
    r.name,
    `${r.median} ${r.unit}`,
    `${r.p95}`,
    String(r.n),
    Object.entries(r.ratio)
      .map(([peer, ratio]) => `${ratio} of ${peer} (${r.peers[peer]})`)
      .join(', ') || '-',
  ]);
  const all = [['result', 'median', 'p95', 'n', 'ours over the peer (its median)'], ...rows];
  const widths = [0, 1, 2, 3].map((i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Prints the table to stderr and the JSON object to stdout (and to the file that was asked for). */
export function publish(bench: string, report: Report, options: Options): void {
  if (process.env[marker]) {
    process.stdout.write(JSON.stringify(report));
    return;
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const json = JSON.stringify({ bench, commit, machine: machine(), ...report }, null, 2);
  if (report.missing.length > 0) {
    process.stderr.write(
      `not compared, not installed: ${report.missing.join(', ')} (--install-peers)\n`,
    );
  }
  process.stderr.write(`${table(report.results)}\n`);
  process.stdout.write(`${json}\n`);
  if (options.jsonFile) writeFileSync(options.jsonFile, `${json}\n`);
}
