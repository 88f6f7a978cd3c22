import type { PodTemplateSpec } from '@gantry/api';
import { jsonEqual } from '@gantry/api-machinery';
import { parseDryRun } from '../commands/apply.js';
import type { Flags } from '../command-line.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';
import { deploymentNamed } from './deployment.js';
import { revisionAnnotation, revisionsOf, type Revision } from './revisions.js';

const hashLabel = 'pod-template-hash';

/** The template as the user wrote it: without the label that tells ReplicaSets apart. */
function plainTemplate({ replicaSet }: Revision): PodTemplateSpec {
  const { template } = replicaSet.spec;
  const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

function choose(
  revisions: readonly Revision[],
  current: number,
  asked: string | undefined,
): Revision {
  if (asked !== undefined && !/^\d+$/.test(asked)) {
    throw new UsageError(`--to-revision: "${asked}" must be a number`);
  }
  const wanted = Number(asked ?? 0);
  if (wanted > 0) {
    const found = revisions.find(({ number }) => number === wanted);
    if (found) return found;
    const known = revisions.map(({ number }) => number).join(', ') || 'none';
    throw new CommandError(
      `unable to find specified revision ${wanted} in history; there are: ${known}`,
    );
  }
  const before = revisions.filter(({ number }) => number < current).at(-1);
  if (!before)
    throw new CommandError('no rollout history found: there is no earlier revision to go back to');
  return before;
}

/** Puts an earlier template back; the rollout controller does the rest. */
export async function undo(
  session: Session,
  words: readonly string[],
  flags: Flags,
): Promise<void> {
  const { deployment, resource, label } = await deploymentNamed(session, words);
  const { namespace, name, annotations } = deployment.metadata;
  if (deployment.spec.paused) {
    throw new CommandError(
      `you cannot roll back a paused deployment; resume it first with 'gantry rollout resume deployment/${name}'`,
    );
  }
  const revisions = await revisionsOf(session, deployment);
  const current = Number(annotations?.[revisionAnnotation] ?? revisions.at(-1)?.number ?? 0);
  const target = choose(revisions, current, flags['toRevision'] as string | undefined);
  const template = plainTemplate(target);
  if (jsonEqual(template, deployment.spec.template)) {
    return session.terminal.out(
      `${label} skipped rollback (current template already matches revision ${target.number})\n`,
    );
  }
  const patch = [{ op: 'replace', path: '/spec/template', value: template }];
  const dryRun = parseDryRun(flags['dryRun']);
  await session.client.patch(resource, { namespace, name }, 'json', patch, { dryRun });
  session.terminal.out(`${label} rolled back${dryRun ? ' (server dry run)' : ''}\n`);
}
