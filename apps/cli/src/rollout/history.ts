import type { Deployment } from '@gantry/api';
import type { DiscoveredResource } from '@gantry/client';
import { templateLines } from '../describe/pod-parts.js';
import { formatGrid } from '../output/grid.js';
import { qualifiedName } from '../resources/catalog.js';
import { CommandError } from '../usage-error.js';
import type { Revision } from './revisions.js';

const causeAnnotation = 'kubernetes.io/change-cause';

/** All revisions with their causes, or the template of one. */
export function historyText(
  resource: DiscoveredResource,
  deployment: Deployment,
  revisions: readonly Revision[],
  asked: string | undefined,
): string {
  const label = qualifiedName(resource, deployment.metadata.name ?? '');
  if (asked === undefined) {
    const rows = revisions.map(({ number, replicaSet }) => [
      String(number),
      replicaSet.metadata.annotations?.[causeAnnotation] ?? '<none>',
    ]);
    return `${label}\n${formatGrid([['REVISION', 'CHANGE-CAUSE'], ...rows])}`;
  }
  const revision = revisions.find(({ number }) => String(number) === asked);
  if (!revision) {
    const known = revisions.map(({ number }) => number).join(', ');
    throw new CommandError(`unable to find revision ${asked}; there are: ${known || 'none'}`);
  }
  const lines = templateLines(revision.replicaSet.spec.template).map((line) =>
    `  ${line}`.trimEnd(),
  );
  return `${label} with revision #${asked}\nPod Template:\n${lines.join('\n')}\n`;
}
