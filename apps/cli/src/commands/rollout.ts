import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { historyText } from '../rollout/history.js';
import { revisionsOf } from '../rollout/revisions.js';
import { waitForRollout } from '../rollout/status.js';
import { undo } from '../rollout/undo.js';
import { deploymentNamed } from '../rollout/deployment.js';
import { parseDuration, type Session } from '../session.js';

async function status(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const { deployment } = await deploymentNamed(session, words);
  const timeout = flags['timeout'] as string | undefined;
  await waitForRollout(session, deployment, {
    watch: flags['watch'] !== 'false',
    timeoutMs: timeout ? parseDuration(timeout, '--timeout') : undefined,
  });
}

async function history(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const { deployment, resource } = await deploymentNamed(session, words);
  const revisions = await revisionsOf(session, deployment);
  const revision = flags['revision'] as string | undefined;
  session.terminal.out(historyText(resource, deployment, revisions, revision));
}

async function patched(
  session: Session,
  words: readonly string[],
  patch: object,
  done: string,
): Promise<void> {
  const { deployment, resource, label } = await deploymentNamed(session, words);
  const { namespace, name } = deployment.metadata;
  await session.client.patch(resource, { namespace, name }, 'strategic', patch);
  session.terminal.out(`${label} ${done}\n`);
}

function restart(session: Session, words: readonly string[]): Promise<void> {
  const restartedAt = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const annotations = { 'kubectl.kubernetes.io/restartedAt': restartedAt };
  return patched(
    session,
    words,
    { spec: { template: { metadata: { annotations } } } },
    'restarted',
  );
}

export function registerRollout(program: Command, environment: Environment): void {
  const rollout = program.command('rollout').description('follow, undo and steer rollouts');
  const sub = (name: string, description: string) =>
    rollout.command(name).description(description).argument('<what...>', 'deployment/NAME');
  const statusCommand = sub('status', 'wait until the rollout is done, or has failed')
    .option('--timeout <duration>', 'wait no longer than this')
    .option('-w, --watch [bool]', 'false: only say how it stands');
  runs(environment, statusCommand, status);
  const undoCommand = sub('undo', 'go back to an earlier revision')
    .option('--to-revision <n>', 'which one (default: the one before)')
    .option('--dry-run [mode]', 'none or server');
  runs(environment, undoCommand, undo);
  const historyCommand = sub('history', 'show the revisions').option(
    '--revision <n>',
    'show the template of this one',
  );
  runs(environment, historyCommand, history);
  runs(environment, sub('restart', 'replace all pods, step by step'), restart);
  runs(environment, sub('pause', 'let changes of the template wait'), (session, words) =>
    patched(session, words, { spec: { paused: true } }, 'paused'),
  );
  runs(environment, sub('resume', 'let changes of the template go on'), (session, words) =>
    patched(session, words, { spec: { paused: null } }, 'resumed'),
  );
}
