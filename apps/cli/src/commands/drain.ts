import type { Pod } from '@gantry/api';
import { delay, isReason, systemClock } from '@gantry/base';
import { resourcePath } from '@gantry/client';
import type { Command } from 'commander';
import { setUnschedulable } from './cordon.js';
import { runs, type Environment, type Flags } from '../command-line.js';
import { podResource } from '../pods-of.js';
import { builtin } from '../resources/builtin.js';
import { parseDuration, type Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';
import { waitUntilGone } from '../wait-gone.js';

const evictionRetryMs = 5_000;

function ownerKind({ metadata }: Pod): string | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller)?.kind;
}

function keepsScratch({ spec }: Pod): boolean {
  return (spec.volumes ?? []).some(
    ({ emptyDir }) => emptyDir !== undefined && emptyDir.medium !== 'Memory',
  );
}

/** The pods to evict; what would be lost for good is refused until the flags allow it. */
export function podsToEvict(
  pods: readonly Pod[],
  flags: Flags,
): { evict: Pod[]; faults: string[] } {
  const faults: string[] = [];
  const evict = pods.filter((pod) => {
    const { name, namespace } = pod.metadata;
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    const kind = ownerKind(pod);
    if (kind === 'DaemonSet') {
      if (!flags['ignoreDaemonsets'])
        faults.push(`${namespace}/${name} belongs to a DaemonSet (use --ignore-daemonsets)`);
      return false;
    }
    if (ended) return true;
    if (!kind && !flags['force'])
      faults.push(`${namespace}/${name} has no controller that replaces it (use --force)`);
    if (keepsScratch(pod) && !flags['deleteEmptydirData']) {
      faults.push(
        `${namespace}/${name} has data in an emptyDir, which would be lost (use --delete-emptydir-data)`,
      );
    }
    return true;
  });
  return { evict, faults };
}

async function evict(
  session: Session,
  pod: Pod,
  gracePeriodSeconds: number | undefined,
): Promise<void> {
  const { namespace, name } = pod.metadata;
  const path = resourcePath(podResource, { namespace, name, subresource: 'eviction' });
  const deleteOptions = gracePeriodSeconds === undefined ? undefined : { gracePeriodSeconds };
  const body = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
    deleteOptions,
  };
  for (;;) {
    try {
      await session.client.request({ method: 'POST', path, body });
      session.terminal.out(`evicting pod ${namespace}/${name}\n`);
      return;
    } catch (error) {
      if (isReason(error, 'NotFound')) return;
      if (!isReason(error, 'TooManyRequests')) throw error;
      session.terminal.err(
        `pod ${namespace}/${name} may not be evicted yet (${error.message}), trying again in 5 s\n`,
      );
      await delay(systemClock, evictionRetryMs, session.signal);
    }
  }
}

async function drain(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const grace = flags['gracePeriod'] as string | undefined;
  if (grace !== undefined && !/^-?\d+$/.test(grace)) {
    throw new UsageError(`--grace-period: "${grace}" must be a number of seconds`);
  }
  const seconds = grace === undefined || Number(grace) < 0 ? undefined : Number(grace);
  const timeout = flags['timeout'] as string | undefined;
  const timeoutMs = timeout ? parseDuration(timeout, '--timeout') || undefined : undefined;
  await setUnschedulable(session, words, true);
  for (const word of words) {
    const name = word.replace(/^(nodes?|no)\//, '');
    await session.client.get(builtin('Node'), { name });
    const { items } = await session.client.listAll(podResource, {
      fieldSelector: `spec.nodeName=${name}`,
    });
    const { evict: going, faults } = podsToEvict(items, flags);
    if (faults.length > 0) {
      throw new CommandError(
        `cannot drain node ${name}; it stays cordoned:\n${faults.map((f) => `  ${f}`).join('\n')}`,
      );
    }
    await Promise.all(going.map((pod) => evict(session, pod, seconds)));
    const waited = going.map(({ metadata }) => ({
      resource: podResource,
      namespace: metadata.namespace,
      name: metadata.name ?? '',
      uid: metadata.uid,
    }));
    await waitUntilGone(session, waited, timeoutMs);
    session.terminal.out(`node/${name} drained\n`);
  }
}

export function registerDrain(program: Command, environment: Environment): void {
  const command = program
    .command('drain')
    .description('cordon nodes and move their pods elsewhere')
    .argument('<node...>', 'names of nodes')
    .option('--ignore-daemonsets', 'leave pods of DaemonSets where they are')
    .option('--delete-emptydir-data', 'also pods whose emptyDir data would be lost')
    .option('--force', 'also pods that nothing replaces')
    .option('--grace-period <seconds>', 'time for containers to end by themselves')
    .option('--timeout <duration>', 'wait no longer than this');
  runs(environment, command, drain);
}
