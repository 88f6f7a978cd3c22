import type { Pod } from '@gantry/api';
import { resourcePath, type Query } from '@gantry/client';
import type { Command } from 'commander';
import { StringDecoder } from 'node:string_decoder';
import { runs, type Environment, type Flags } from '../command-line.js';
import { containerOf, onePodOf, podResource } from '../pods-of.js';
import { parseObject } from '../resources/arguments.js';
import { parseDuration, type Session } from '../session.js';
import { UsageError } from '../usage-error.js';

const maxFollowedStreams = 20;

function count(value: Flags[string], flag: string): number | undefined {
  if (value === undefined || value === '-1') return undefined;
  if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value);
  throw new UsageError(`${flag}: "${String(value)}" must be a whole number`);
}

function logQuery(flags: Flags, selected: boolean): Query {
  const since = flags['since'] as string | undefined;
  return {
    follow: flags['follow'] === true || undefined,
    previous: flags['previous'] === true || undefined,
    timestamps: flags['timestamps'] === true || undefined,
    // As kubectl: many pods at once show their ends alone.
    tailLines: count(flags['tail'], '--tail') ?? (selected && !flags['tail'] ? 10 : undefined),
    limitBytes: count(flags['limitBytes'], '--limit-bytes'),
    sinceSeconds: since ? Math.ceil(parseDuration(since, '--since') / 1000) : undefined,
    sinceTime: flags['sinceTime'] === true ? undefined : flags['sinceTime'],
  };
}

async function stream(session: Session, pod: Pod, container: string, query: Query, prefix: string) {
  const { namespace, name } = pod.metadata;
  const answer = await session.client.open({
    method: 'GET',
    path: resourcePath(podResource, { namespace, name, subresource: 'log' }),
    query: { ...query, container },
    accept: 'text/plain, application/json',
    signal: session.signal,
  });
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of answer) {
      const text = decoder.write(chunk as Buffer);
      if (!prefix) {
        session.terminal.out(text);
        continue;
      }
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      session.terminal.out(lines.map((line) => `${prefix}${line}\n`).join(''));
    }
  } catch (error) {
    if (!session.signal.aborted) throw error;
  }
  if (rest) session.terminal.out(`${prefix}${rest}\n`);
}

function containersOf(session: Session, pod: Pod, flags: Flags): string[] {
  if (flags['allContainers']) {
    return [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name);
  }
  return [containerOf(session, pod, flags['container'] as string | undefined)];
}

async function selectPods(
  session: Session,
  words: readonly string[],
  flags: Flags,
): Promise<Pod[]> {
  const labelSelector = flags['selector'] as string | undefined;
  if (labelSelector) {
    if (words.length > 0) throw new UsageError('give a pod or a selector with -l, not both');
    const { namespace } = session;
    return (await session.client.listAll(podResource, { namespace, labelSelector })).items;
  }
  const [first = '', second, ...more] = words;
  // `logs POD CONTAINER` is an old habit that kubectl still serves.
  const named = second !== undefined && more.length === 0 && !first.includes('/');
  const { resource, name } = await parseObject(session.catalog, named ? [first] : words, 'pod');
  return [await onePodOf(session, resource, name)];
}

async function logs(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const pods = await selectPods(session, words, flags);
  const selected = flags['selector'] !== undefined;
  if (pods.length === 0) {
    return session.terminal.err(`No resources found in ${session.namespace} namespace.\n`);
  }
  const asked =
    words.length === 2 && !words[0]?.includes('/') ? { ...flags, container: words[1] } : flags;
  const streams = pods.flatMap((pod) =>
    containersOf(session, pod, asked).map((container) => ({ pod, container })),
  );
  const query = logQuery(flags, selected);
  const open = ({ pod, container }: (typeof streams)[number]) => {
    const prefix = flags['prefix'] ? `[pod/${pod.metadata.name}/${container}] ` : '';
    return stream(session, pod, container, query, prefix);
  };
  if (!flags['follow']) {
    for (const one of streams) await open(one);
    return;
  }
  if (streams.length > maxFollowedStreams) {
    throw new UsageError(
      `${streams.length} logs at once are too many to follow; narrow the selector`,
    );
  }
  await Promise.all(streams.map(open));
}

export function registerLogs(program: Command, environment: Environment): void {
  const command = program
    .command('logs')
    .description('print what a container has written')
    .argument('[what...]', 'POD, or TYPE/NAME for one of its pods')
    .option('-f, --follow', 'go on until interrupted')
    .option('-p, --previous', 'of the run before the last restart')
    .option('-c, --container <name>', 'which container')
    .option('--all-containers', 'of all containers')
    .option('-l, --selector <labels>', 'of all pods with these labels')
    .option('--tail <lines>', 'only the last lines; -1 for all')
    .option('--since <duration>', 'only newer than this, e.g. 5m')
    .option('--since-time <time>', 'only after this time (RFC 3339)')
    .option('--timestamps', 'each line with its time')
    .option('--limit-bytes <n>', 'no more than this')
    .option('--prefix', 'each line with the pod and container it is from');
  runs(environment, command, logs);
}
