import type { Pod } from '@gantry/api';
import { delay, systemClock } from '@gantry/base';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { ProgressLine } from '../images/progress-line.js';
import { pullsOf } from '../images/pod-pulls.js';
import { podResource } from '../pods-of.js';
import { parseDuration, type Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

const pollMs = 500;
const restartPolicies = ['Always', 'OnFailure', 'Never'];
/** What does not get better by waiting a little. */
const stuck =
  /^(InvalidImageName|ErrImageNeverPull|ErrImagePull|ImagePullBackOff|CreateContainer(Config)?Error|CrashLoopBackOff)$/;

function environment(flags: Flags) {
  return ((flags['env'] ?? []) as string[]).map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageError(`--env: "${pair}" must be NAME=VALUE`);
    return { name: pair.slice(0, at), value: pair.slice(at + 1) };
  });
}

function podOf(session: Session, name: string, command: readonly string[], flags: Flags): Pod {
  const image = flags['image'] as string | undefined;
  if (!image) throw new UsageError('--image: say which image to run');
  const restartPolicy = String(flags['restart'] ?? 'Always');
  if (!restartPolicies.includes(restartPolicy)) {
    throw new UsageError(`--restart: "${restartPolicy}" must be ${restartPolicies.join(', ')}`);
  }
  const node = flags['node'] as string | undefined;
  const args = command[0] === '--' ? command.slice(1) : command;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: session.namespace, labels: { run: name } },
    spec: {
      restartPolicy,
      ...(node && { nodeSelector: { 'kubernetes.io/hostname': node } }),
      containers: [
        { name, image, env: environment(flags), ...(args.length > 0 && { args: [...args] }) },
      ],
    },
  } as Pod;
}

/** Why it does not run yet, in a phrase; throws when waiting is in vain. */
function obstacle({ metadata, status }: Pod): string {
  const waiting = status?.containerStatuses?.[0]?.state?.waiting;
  const detail = waiting?.message ? `: ${waiting.message}` : '';
  if (stuck.test(waiting?.reason ?? '')) {
    const next = `it stays; gantry describe pod ${metadata.name} tells more`;
    throw new CommandError(`pod/${metadata.name} waits with ${waiting!.reason}${detail}; ${next}`);
  }
  const unscheduled = status?.conditions?.find(
    (one) => one.type === 'PodScheduled' && one.status === 'False',
  );
  return unscheduled?.message ?? `${waiting?.reason ?? status?.phase ?? 'Pending'}${detail}`;
}

/** Shows how far it is until it runs, ends or cannot run. */
async function follow(session: Session, name: string, timeoutMs: number): Promise<Pod> {
  const line = new ProgressLine(session);
  const endMs = Date.now() + timeoutMs;
  const { namespace } = session;
  try {
    for (;;) {
      const pod = await session.client.get(podResource, { namespace, name });
      if (pod.status?.phase !== 'Pending') return pod;
      const text = obstacle(pod);
      const [pull] = await pullsOf(session, pod);
      line.update(`pod/${name}`, pull ?? { phase: text });
      if (Date.now() > endMs) throw new CommandError(`pod/${name} does not run yet: ${text}`);
      await delay(systemClock, pollMs, session.signal);
    }
  } finally {
    line.clear();
  }
}

async function run(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const [name = '', ...command] = words;
  const timeoutMs = parseDuration(String(flags['timeout'] ?? '10m'), '--timeout');
  const created = await session.client.create(podResource, podOf(session, name, command, flags));
  session.terminal.out(`pod/${created.metadata.name} created\n`);
  if (flags['detach'] === true) return;
  const pod = await follow(session, name, timeoutMs);
  const { phase, reason = '' } = pod.status ?? {};
  if (phase === 'Failed') throw new CommandError(`pod/${name} failed ${reason}`.trimEnd());
  const how = phase === 'Succeeded' ? 'has ended well' : 'runs';
  session.terminal.out(`pod/${name} ${how} on ${pod.spec.nodeName}\n`);
}

export function registerRun(program: Command, environment_: Environment): void {
  const command = program
    .command('run')
    .description('run an image in a pod of its own, and show how far it is')
    .argument('<name>', 'name of the pod')
    .argument('[args...]', 'after --: arguments for the container')
    .option('--image <image>', 'what to run')
    .option(
      '-e, --env <name=value>',
      'a variable (may be repeated)',
      (value, before?: string[]) => [...(before ?? []), value],
    )
    .option('--restart <policy>', 'Always (default), OnFailure or Never')
    .option('--node <name>', 'only on this node')
    .option('-d, --detach', 'do not wait until it runs')
    .option('--timeout <duration>', 'wait so long at most (default 10m)');
  runs(environment_, command, run);
}
