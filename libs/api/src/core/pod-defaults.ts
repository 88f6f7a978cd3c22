import { fillDefaults } from '@gantry/api-machinery';
import type { Container } from './container.js';
import type { Pod } from './pod.js';
import { PodSpec } from './pod-spec.js';

/** Always for `:latest` and for no tag, unless a digest fixes the image; else IfNotPresent. */
function defaultPullPolicy(image = ''): 'Always' | 'IfNotPresent' {
  if (image.includes('@')) return 'IfNotPresent';
  const name = image.slice(image.lastIndexOf('/') + 1);
  return !name.includes(':') || name.endsWith(':latest') ? 'Always' : 'IfNotPresent';
}

function defaultContainer(container: Container, hostNetwork: boolean): void {
  container.imagePullPolicy ??= defaultPullPolicy(container.image);
  if (!hostNetwork) return;
  for (const port of container.ports ?? []) port.hostPort ??= port.containerPort;
}

/** Defaults of a pod's spec, also within templates. */
export function defaultPodSpec(spec: PodSpec): void {
  for (const volume of spec.volumes ?? []) {
    // A volume without a source is an empty directory.
    if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  }
  spec.serviceAccountName ??= spec.serviceAccount;
  spec.serviceAccount ??= spec.serviceAccountName;
  if (spec.serviceAccount === undefined) {
    delete spec.serviceAccount;
    delete spec.serviceAccountName;
  }
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    defaultContainer(container, spec.hostNetwork ?? false);
  }
  fillDefaults(PodSpec, spec);
}

/** What has a limit and no request requests its limit. */
function defaultRequests({ resources }: Container): void {
  if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
}

/** Defaults of a pod beyond those of its spec. */
export function defaultPod(pod: Pod): void {
  if (!pod.spec) return;
  defaultPodSpec(pod.spec);
  for (const container of [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])]) {
    defaultRequests(container);
  }
  pod.spec.enableServiceLinks ??= true;
}

/** What admission gave the pod stands; a manifest that leaves it out does not take it away. */
export function keepPriority({ spec }: Pod, old?: Pod): void {
  if (!spec) return;
  if (old && spec.priority === undefined) spec.priorityClassName ??= old.spec.priorityClassName;
  if (spec.priorityClassName === undefined) delete spec.priorityClassName;
  spec.priority ??= old?.spec.priority ?? 0;
  spec.preemptionPolicy ??= old?.spec.preemptionPolicy ?? 'PreemptLowerPriority';
}
