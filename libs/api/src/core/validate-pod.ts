import {
  dnsLabelRule,
  dnsSubdomainRule,
  forbidden,
  invalidValue,
  jsonEqual,
  required,
  type FieldError,
  type Rule,
} from '@gantry/api-machinery';
import { isIP } from 'node:net';
import type { Toleration } from './affinity.js';
import type { Container } from './container.js';
import type { Pod } from './pod.js';
import type { PodSpec } from './pod-spec.js';
import { validateContainers } from './validate-containers.js';
import { validatePlacement } from './validate-placement.js';
import { validatePodSecurityContext } from './validate-security.js';
import { validateVolumes } from './validate-volumes.js';

const maxSeconds = 2 ** 31 - 1;

const nameRules: readonly [keyof PodSpec, Rule][] = [
  ['nodeName', dnsSubdomainRule],
  ['serviceAccountName', dnsSubdomainRule],
  ['priorityClassName', dnsSubdomainRule],
  ['runtimeClassName', dnsSubdomainRule],
  ['hostname', dnsLabelRule],
  ['subdomain', dnsLabelRule],
];

function validateNames(spec: PodSpec, field: string): FieldError[] {
  return nameRules.flatMap(([name, rule]) => {
    const value = spec[name];
    const fault = typeof value === 'string' && value !== '' ? rule(value) : undefined;
    return fault ? [invalidValue(`${field}.${name}`, value, fault)] : [];
  });
}

function validateDns(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { nameservers = [], searches = [] } = spec.dnsConfig ?? {};
  const at = `${field}.dnsConfig`;
  if (spec.dnsPolicy === 'None' && nameservers.length === 0) {
    const detail = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
    errors.push(required(`${at}.nameservers`, detail));
  }
  if (nameservers.length > 3) {
    const detail = 'must not have more than 3 nameservers';
    errors.push(invalidValue(`${at}.nameservers`, nameservers, detail));
  }
  for (const [index, server] of nameservers.entries()) {
    if (isIP(server)) continue;
    const detail = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    errors.push(invalidValue(`${at}.nameservers[${index}]`, server, detail));
  }
  if (searches.length > 32) {
    errors.push(
      invalidValue(`${at}.searches`, searches, 'must not have more than 32 search paths'),
    );
  }
  for (const [index, { ip, hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    const path = `${field}.hostAliases[${index}]`;
    if (ip && !isIP(ip)) errors.push(invalidValue(`${path}.ip`, ip, 'must be a valid IP address'));
    for (const [position, name] of hostnames.entries()) {
      const fault = dnsSubdomainRule(name);
      if (fault) errors.push(invalidValue(`${path}.hostnames[${position}]`, name, fault));
    }
  }
  return errors;
}

function validateHostNamespaces(spec: PodSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.shareProcessNamespace && spec.hostPID) {
    const detail = 'ShareProcessNamespace and HostPID cannot both be enabled';
    errors.push(invalidValue(`${field}.shareProcessNamespace`, true, detail));
  }
  if (spec.hostUsers !== false) return errors;
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (!spec[name]) continue;
    errors.push(forbidden(`${field}.${name}`, 'when `hostUsers` is false'));
  }
  return errors;
}

/** Faults of a pod's spec, also within a template. */
export function validatePodSpec(spec: PodSpec | undefined, field: string): FieldError[] {
  if (!spec) return [required(field)];
  const errors = [
    ...validateVolumes(spec.volumes, `${field}.volumes`),
    ...validateContainers(spec, field),
    ...validateNames(spec, field),
    ...validatePlacement(spec, field),
    ...validateDns(spec, field),
    ...validateHostNamespaces(spec, field),
    ...validatePodSecurityContext(spec.securityContext, `${field}.securityContext`, {
      network: spec.hostNetwork ?? false,
      ipc: spec.hostIPC ?? false,
    }),
  ];
  const { activeDeadlineSeconds: deadline } = spec;
  if (deadline !== undefined && deadline > maxSeconds) {
    const detail = `must be between 1 and ${maxSeconds}, inclusive`;
    errors.push(invalidValue(`${field}.activeDeadlineSeconds`, deadline, detail));
  }
  if (spec.schedulingGates?.length && spec.nodeName) {
    errors.push(
      forbidden(`${field}.nodeName`, 'cannot be set until all schedulingGates have been cleared'),
    );
  }
  return errors;
}

const immutable =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.schedulingGates` (only removals)';

function withImagesOf(containers: Container[] | undefined, old: Container[] | undefined) {
  return containers?.map((container, index) => ({ ...container, image: old?.[index]?.image }));
}

function keptTolerations(old: readonly Toleration[], now: readonly Toleration[]): boolean {
  return old.every((toleration) => now.some((other) => jsonEqual(toleration, other)));
}

function validateDeadlineUpdate(spec: PodSpec, old: PodSpec): FieldError[] {
  const { activeDeadlineSeconds: now } = spec;
  const { activeDeadlineSeconds: before } = old;
  if (before === undefined || (now !== undefined && now <= before)) return [];
  const detail = `must be less than or equal to previous value (${before})`;
  return [invalidValue('spec.activeDeadlineSeconds', now, detail)];
}

/** Faults of a change of a pod: but for a few fields its spec stands. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = validateDeadlineUpdate(pod.spec, old.spec);
  const comparable: PodSpec = {
    ...pod.spec,
    containers: withImagesOf(pod.spec.containers, old.spec.containers) ?? [],
    initContainers: withImagesOf(pod.spec.initContainers, old.spec.initContainers),
    activeDeadlineSeconds: old.spec.activeDeadlineSeconds,
  };
  if (keptTolerations(old.spec.tolerations ?? [], pod.spec.tolerations ?? [])) {
    comparable.tolerations = old.spec.tolerations;
  }
  const gates = new Set((old.spec.schedulingGates ?? []).map(({ name }) => name));
  if ((pod.spec.schedulingGates ?? []).every(({ name }) => gates.has(name))) {
    comparable.schedulingGates = old.spec.schedulingGates;
  }
  if (!jsonEqual(comparable, old.spec)) errors.push(forbidden('spec', immutable));
  return errors;
}
