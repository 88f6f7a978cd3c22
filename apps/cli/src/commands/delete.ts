import type { ApiObject, Status } from '@gantry/api';
import { isReason } from '@gantry/base';
import type { DeleteOptions, DiscoveredResource } from '@gantry/client';
import type { Command } from 'commander';
import { placed } from '../apply/apply-object.js';
import { parseDryRun } from './apply.js';
import { runs, type Environment, type Flags } from '../command-line.js';
import { failureOf } from '../failure-text.js';
import { readManifests } from '../manifests/read.js';
import { parseSelections } from '../resources/arguments.js';
import { qualifiedName } from '../resources/catalog.js';
import { parseDuration, type Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';
import { waitUntilGone, type Going } from '../wait-gone.js';

interface Target {
  readonly resource: DiscoveredResource;
  readonly namespace?: string;
  readonly name: string;
}

async function fromFiles(session: Session, flags: Flags): Promise<Target[]> {
  const paths = flags['filename'] as string[];
  const manifests = await readManifests(session.terminal, paths, flags['recursive'] === true);
  const targets = await Promise.all(
    manifests.map(async (manifest) => {
      const { apiVersion, kind } = manifest.object;
      const resource = await session.catalog.findKind(apiVersion, kind);
      const { namespace, name = '' } = placed(session, resource, manifest).metadata;
      return { resource, namespace, name };
    }),
  );
  // What lies in a namespace goes before the namespace.
  return targets.toReversed();
}

async function fromWords(
  session: Session,
  words: readonly string[],
  flags: Flags,
): Promise<Target[]> {
  const selections = await parseSelections(session.catalog, words);
  const targets: Target[] = [];
  for (const { resource, names } of selections) {
    const scope = resource.namespaced && !flags['allNamespaces'] ? session.namespace : undefined;
    if (names.length > 0) {
      targets.push(...names.map((name) => ({ resource, namespace: scope, name })));
      continue;
    }
    const labelSelector = flags['selector'] as string | undefined;
    const fieldSelector = flags['fieldSelector'] as string | undefined;
    if (!labelSelector && !fieldSelector && !flags['all']) {
      throw new UsageError('name the objects, give a selector with -l, or say --all');
    }
    const { items } = await session.client.listAll(resource, {
      namespace: scope,
      labelSelector,
      fieldSelector,
    });
    for (const { metadata } of items) {
      targets.push({ resource, namespace: metadata.namespace, name: metadata.name ?? '' });
    }
  }
  return targets;
}

const propagations: Record<string, DeleteOptions['propagationPolicy']> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
};

function parseOptions(flags: Flags): DeleteOptions {
  const cascade = String(flags['cascade'] ?? 'background');
  const propagationPolicy = propagations[cascade];
  if (!propagationPolicy) {
    throw new UsageError(
      `--cascade: "${cascade}" is not known; choose background, foreground or orphan`,
    );
  }
  const grace = flags['gracePeriod'] as string | undefined;
  if (grace !== undefined && !/^-?\d+$/.test(grace)) {
    throw new UsageError(`--grace-period: "${grace}" must be a number of seconds`);
  }
  const seconds = grace === undefined || Number(grace) < 0 ? undefined : Number(grace);
  const dryRun = parseDryRun(flags['dryRun']);
  if (flags['force']) return { propagationPolicy, gracePeriodSeconds: seconds ?? 0, dryRun };
  if (flags['now']) return { propagationPolicy, gracePeriodSeconds: 1, dryRun };
  if (seconds === 0) {
    throw new UsageError(
      '--grace-period=0 also needs --force: the containers may go on running for a while',
    );
  }
  return { propagationPolicy, gracePeriodSeconds: seconds, dryRun };
}

function uidOf(answer: ApiObject | Status): string | undefined {
  return 'status' in answer && answer.kind === 'Status' ? answer.details?.uid : answer.metadata.uid;
}

async function deleteOne(
  session: Session,
  target: Target,
  options: DeleteOptions,
  flags: Flags,
): Promise<Going | undefined> {
  const { resource, namespace, name } = target;
  const label = `${resource.group ? `${resource.singular}.${resource.group}` : resource.singular} "${name}"`;
  try {
    const answer = await session.client.delete(resource, { namespace, name }, options);
    const how = options.gracePeriodSeconds === 0 ? 'force deleted' : 'deleted';
    const dry = options.dryRun ? ' (server dry run)' : '';
    const text =
      flags['output'] === 'name' ? qualifiedName(resource, name) : `${label} ${how}${dry}`;
    session.terminal.out(`${text}\n`);
    return { ...target, uid: uidOf(answer) };
  } catch (error) {
    if (isReason(error, 'NotFound') && flags['ignoreNotFound']) return undefined;
    throw error;
  }
}

async function remove(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const options = parseOptions(flags);
  const hasFiles = flags['filename'] !== undefined;
  if (hasFiles && words.length > 0) throw new UsageError('give either -f or the objects, not both');
  const targets = hasFiles
    ? await fromFiles(session, flags)
    : await fromWords(session, words, flags);
  if (targets.length === 0) return session.terminal.err('No resources found\n');
  const going: Going[] = [];
  let failures = 0;
  for (const target of targets) {
    try {
      const deleted = await deleteOne(session, target, options, flags);
      if (deleted) going.push(deleted);
    } catch (error) {
      failures += 1;
      session.terminal.err(`${failureOf(error).text}\n`);
    }
  }
  const timeout = flags['timeout'] as string | undefined;
  if (flags['wait'] !== 'false' && !options.dryRun) {
    await waitUntilGone(session, going, timeout ? parseDuration(timeout, '--timeout') : undefined);
  }
  if (failures > 0) throw new CommandError('');
}

export function registerDelete(program: Command, environment: Environment): void {
  const command = program
    .command('delete')
    .description('delete objects and wait until they are gone')
    .argument('[what...]', 'TYPE NAME…, TYPE/NAME…, or TYPE with -l or --all')
    .option('-f, --filename <path...>', 'what the manifests name: file, folder or -')
    .option('-R, --recursive', 'look into folders below too')
    .option('-l, --selector <labels>', 'all objects with these labels')
    .option('--field-selector <fields>', 'all objects with these fields')
    .option('--all', 'all objects of the type in the namespace')
    .option('-A, --all-namespaces', 'with -l or --all: in all namespaces')
    .option('--wait [bool]', 'wait until they are gone (default true)')
    .option('--timeout <duration>', 'wait no longer than this')
    .option('--grace-period <seconds>', 'time for containers to end by themselves')
    .option('--now', 'the same as --grace-period=1')
    .option('--force', 'remove at once, without waiting for the node')
    .option('--cascade <mode>', 'what it owns: background (default), foreground or orphan')
    .option('--ignore-not-found', 'no fault when there is nothing to delete')
    .option('--dry-run [mode]', 'none or server')
    .option('-o, --output <format>', 'name');
  runs(environment, command, remove);
}
