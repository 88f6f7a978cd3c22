import type { Deployment } from '@gantry/api';
import type { DiscoveredResource } from '@gantry/client';
import { parseObject } from '../resources/arguments.js';
import { qualifiedName } from '../resources/catalog.js';
import type { Session } from '../session.js';
import { UsageError } from '../usage-error.js';

export interface NamedDeployment {
  readonly resource: DiscoveredResource<Deployment>;
  readonly deployment: Deployment;
  /** `deployment.apps/web`. */
  readonly label: string;
}

/** The Deployment that the command line names. */
export async function deploymentNamed(
  session: Session,
  words: readonly string[],
): Promise<NamedDeployment> {
  const { resource, name } = await parseObject(session.catalog, words);
  if (resource.kind !== 'Deployment') {
    throw new UsageError(`${resource.plural} have no rollouts; deployments have: deployment/NAME`);
  }
  const typed = resource as NamedDeployment['resource'];
  const deployment = await session.client.get(typed, { namespace: session.namespace, name });
  return { resource: typed, deployment, label: qualifiedName(resource, name) };
}
