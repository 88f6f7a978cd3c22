import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '@gantry/api';
import { divideUp } from '../quantity.js';
import { ContainerConfigError } from './config-error.js';

/** What the pod's fields cannot tell by themselves. */
export interface FieldContext {
  readonly pod: Pod;
  readonly podIPs: readonly string[];
  readonly hostIP: string;
  readonly nodeName: string;
  /** The node's allocatable, which stands in for limits that are not set. */
  readonly allocatable: Readonly<Record<string, string>>;
}

function mapText(entries: Readonly<Record<string, string>> | undefined): string {
  const sorted = Object.entries(entries ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
}

function subscripted(path: string, context: FieldContext): string | undefined {
  const match = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (!match) return undefined;
  return context.pod.metadata[match[1] as 'labels' | 'annotations']?.[match[2]!] ?? '';
}

/** The value of a fieldRef in env or a downwardAPI volume. */
export function fieldValue(selector: ObjectFieldSelector, context: FieldContext): string {
  const { pod } = context;
  const { metadata, spec } = pod;
  const values: Record<string, () => string> = {
    'metadata.name': () => metadata.name!,
    'metadata.namespace': () => metadata.namespace!,
    'metadata.uid': () => metadata.uid!,
    'metadata.labels': () => mapText(metadata.labels),
    'metadata.annotations': () => mapText(metadata.annotations),
    'spec.nodeName': () => context.nodeName,
    'spec.serviceAccountName': () => spec.serviceAccountName ?? '',
    'status.podIP': () => context.podIPs[0] ?? '',
    'status.podIPs': () => context.podIPs.join(','),
    'status.hostIP': () => context.hostIP,
    'status.hostIPs': () => context.hostIP,
  };
  const path = selector.fieldPath;
  const value =
    subscripted(path, context) ?? (Object.hasOwn(values, path) ? values[path]!() : undefined);
  if (value === undefined)
    throw new ContainerConfigError(`fieldRef: ${path} is not a field that can be used`);
  return value;
}

function named(pod: Pod, name: string): Container {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  const found = all.find((container) => container.name === name);
  if (!found) throw new ContainerConfigError(`resourceFieldRef: there is no container "${name}"`);
  return found;
}

/** The value of a resourceFieldRef; a limit that is not set counts as the node's allocatable. */
export function resourceValue(
  selector: ResourceFieldSelector,
  context: FieldContext,
  own?: Container,
): string {
  const container = selector.containerName ? named(context.pod, selector.containerName) : own;
  const match = /^(limits|requests)\.(.+)$/.exec(selector.resource);
  if (!container || !match) {
    throw new ContainerConfigError(
      `resourceFieldRef: ${selector.resource} is not limits.X or requests.X`,
    );
  }
  const [, list, name] = match as unknown as [string, 'limits' | 'requests', string];
  const fallback = list === 'limits' ? context.allocatable[name] : undefined;
  const quantity = container.resources?.[list]?.[name] ?? fallback ?? '0';
  const divisor = selector.divisor;
  return String(divideUp(quantity, divisor && divisor !== '0' ? divisor : '1'));
}
