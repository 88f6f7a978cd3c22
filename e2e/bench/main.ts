/** `npm run bench -- NAME [--json FILE] [--install-peers]`: runs e2e/bench/NAME.ts and reports its figures. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Flags, UsageError, type FlagUses } from './flags.ts';
import { type Bench, publish } from './report.ts';

const plumbing = new Set(['flags.ts', 'main.ts', 'report.ts', 'statistics.ts']);

function benches(): string[] {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts'));
  const names = files.filter((name) => !plumbing.has(name) && !name.endsWith('.spec.ts'));
  return names.map((name) => name.slice(0, -3));
}

/** Those of the arguments that every bench takes, and the rest. */
interface Shared {
  readonly jsonFile: string | undefined;
  readonly installPeers: boolean;
  readonly args: readonly string[];
}

function parse(args: readonly string[]): Shared {
  const rest = [...args];
  const at = rest.indexOf('--json');
  const jsonFile = at >= 0 ? rest.splice(at, 2)[1] : undefined;
  if (at >= 0 && !jsonFile) throw new UsageError('--json needs a file');
  const install = rest.indexOf('--install-peers');
  if (install >= 0) rest.splice(install, 1);
  return { jsonFile, installPeers: install >= 0, args: rest };
}

function installPeers(): void {
  const script = join(import.meta.dirname, '../../deploy/engines.sh');
  execFileSync(script, ['skopeo', 'umoci'], { stdio: ['ignore', 2, 2] });
}

const [name = '', ...args] = process.argv.slice(2);
if (!benches().includes(name) || !existsSync(join(import.meta.dirname, `${name}.ts`))) {
  process.stderr.write(`unknown bench ${name || '(none)'}; one of: ${benches().join(', ')}\n`);
  process.exit(2);
}

interface BenchModule {
  readonly run: Bench;
  readonly flags?: FlagUses;
}

async function main(): Promise<void> {
  const shared = parse(args);
  const bench = (await import(`./${name}.ts`)) as BenchModule;
  const options = { ...shared, flags: Flags.read(name, bench.flags ?? {}, shared.args) };
  if (options.installPeers) installPeers();
  publish(name, await bench.run(options), options);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
