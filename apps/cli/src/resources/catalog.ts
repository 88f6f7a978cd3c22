import { discover, type ApiClient, type DiscoveredResource } from '@gantry/client';
import { UsageError } from '../usage-error.js';
import { builtinResources } from './builtin.js';
import { suggest } from './suggest.js';

function namesOf({ plural, singular, shortNames, kind }: DiscoveredResource): string[] {
  return [plural, singular, ...shortNames, kind.toLowerCase()];
}

/** `deployments`, `deploy`, `Deployment`, `deployments.apps`, `deployments.v1.apps`. */
function answersTo(resource: DiscoveredResource, typed: string): boolean {
  const [name = '', ...suffix] = typed.toLowerCase().split('.');
  if (!namesOf(resource).includes(name)) return false;
  const rest = suffix.join('.');
  const { group, version } = resource;
  return rest === '' || rest === group || rest === `${version}.${group}` || rest === version;
}

/** Resources by the names people type: those known ahead, then what the server tells. */
export class ResourceCatalog {
  private discovered?: Promise<readonly DiscoveredResource[]>;

  constructor(private readonly client: () => ApiClient) {}

  /** All that the server serves. */
  all(): Promise<readonly DiscoveredResource[]> {
    this.discovered ??= discover(this.client());
    return this.discovered;
  }

  async find(typed: string): Promise<DiscoveredResource> {
    const known = builtinResources.find((resource) => answersTo(resource, typed));
    if (known) return known;
    const served = await this.all();
    const found = served.find((resource) => answersTo(resource, typed));
    if (found) return found;
    const near = suggest(typed, served.flatMap(namesOf));
    const hint = near ? `; did you mean "${near}"?` : '; see `gantry api-resources`';
    throw new UsageError(`the server does not have a resource type "${typed}"${hint}`);
  }

  /** The resource of a manifest. */
  async findKind(apiVersion: string, kind: string): Promise<DiscoveredResource> {
    const same = (resource: DiscoveredResource) => {
      const { group, version } = resource;
      return resource.kind === kind && (group ? `${group}/${version}` : version) === apiVersion;
    };
    const found = builtinResources.find(same) ?? (await this.all()).find(same);
    if (found) return found;
    const served = await this.all();
    const near = served.find((resource) => resource.kind === kind);
    const other = suggest(
      kind,
      served.map((resource) => resource.kind),
    );
    const hint = near
      ? `; it is served as ${near.group ? `${near.group}/` : ''}${near.version}`
      : other
        ? `; did you mean ${other}?`
        : '';
    throw new UsageError(`no matches for kind "${kind}" in version "${apiVersion}"${hint}`);
  }

  async category(name: string): Promise<readonly DiscoveredResource[]> {
    return (await this.all()).filter(({ categories }) => categories.includes(name));
  }
}

/** `pod/web` or `deployment.apps/web`. */
export function qualifiedName(resource: DiscoveredResource, name: string): string {
  const { singular, group } = resource;
  return `${group ? `${singular}.${group}` : singular}/${name}`;
}
