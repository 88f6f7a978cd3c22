import type { Command } from 'commander';
import { applyManifest, type Applied, type ApplyOptions } from '../apply/apply-object.js';
import { failureOf } from '../failure-text.js';
import { readManifests } from '../manifests/read.js';
import { objectsText, parseOutput } from '../output/objects-text.js';
import { runs, type Environment, type Flags } from '../command-line.js';
import { qualifiedName } from '../resources/catalog.js';
import type { Session } from '../session.js';
import { paintError } from '../terminal.js';
import { CommandError, UsageError } from '../usage-error.js';

const validations: Record<string, ApplyOptions['fieldValidation']> = {
  true: 'Strict',
  strict: 'Strict',
  warn: 'Warn',
  ignore: 'Ignore',
  false: 'Ignore',
};

export function parseDryRun(value: Flags[string]): boolean {
  if (value === undefined || value === 'none') return false;
  if (value === 'server' || value === true) return true;
  throw new UsageError(`--dry-run: "${String(value)}" is not known; choose none or server`);
}

function parseOptions(flags: Flags): ApplyOptions {
  const word = String(flags['validate'] ?? 'strict').toLowerCase();
  const fieldValidation = validations[word];
  if (!fieldValidation) {
    throw new UsageError(`--validate: "${word}" is not known; choose strict, warn or ignore`);
  }
  return {
    serverSide: flags['serverSide'] === true,
    forceConflicts: flags['forceConflicts'] === true,
    fieldManager: flags['fieldManager'] as string | undefined,
    dryRun: parseDryRun(flags['dryRun']),
    fieldValidation,
  };
}

async function apply(session: Session, _: readonly string[], flags: Flags): Promise<void> {
  const { terminal } = session;
  const options = parseOptions(flags);
  const output = parseOutput(flags['output'] as string | undefined);
  const paths = (flags['filename'] ?? []) as string[];
  const manifests = await readManifests(terminal, paths, flags['recursive'] === true);
  const applied: Applied[] = [];
  let failures = 0;
  // One after the other: a namespace must be there before what lies in it.
  for (const manifest of manifests) {
    try {
      const result = await applyManifest(session, manifest, options);
      applied.push(result);
      if (output === undefined || output === 'wide') report(session, result, options);
    } catch (error) {
      failures += 1;
      terminal.err(
        `${paintError(terminal, 'red', `${manifest.source}: ${failureOf(error).text}`)}\n`,
      );
    }
  }
  await print(session, applied, output);
  if (failures > 0) throw new CommandError('');
}

function report(
  session: Session,
  { resource, object, outcome }: Applied,
  options: ApplyOptions,
): void {
  const name = qualifiedName(resource, object.metadata.name ?? '');
  const dry = options.dryRun ? ' (server dry run)' : '';
  session.terminal.out(`${name} ${outcome}${dry}\n`);
}

async function print(
  { terminal }: Session,
  applied: readonly Applied[],
  output: ReturnType<typeof parseOutput>,
): Promise<void> {
  if (output === 'name') {
    for (const { resource, object } of applied) {
      terminal.out(`${qualifiedName(resource, object.metadata.name ?? '')}\n`);
    }
  } else if ((output === 'json' || output === 'yaml') && applied.length > 0) {
    const objects = applied.map(({ object }) => object);
    terminal.out(await objectsText(objects, output, objects.length > 1));
  }
}

export function registerApply(program: Command, environment: Environment): void {
  const command = program
    .command('apply')
    .description('create or change objects to what manifests say')
    .option('-f, --filename <path...>', 'file, folder or - for stdin; may be given several times')
    .option('-R, --recursive', 'look into folders below too')
    .option('--server-side', 'let the server merge, by field ownership')
    .option('--force-conflicts', 'take over fields that others own (with --server-side)')
    .option('--field-manager <name>', 'name that owns the fields')
    .option('--dry-run [mode]', 'none or server: the server checks everything and stores nothing')
    .option('--validate [mode]', 'unknown fields: strict (default), warn or ignore')
    .option('-o, --output <format>', 'name, json or yaml');
  runs(environment, command, apply);
}
