import {
  dnsLabelRule,
  duplicate,
  forbidden,
  invalidValue,
  notFoundValue,
  portFault,
  portNameRule,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import type { Container } from './container.js';
import type { PodSpec } from './pod-spec.js';
import { validateEnv, validateEnvFrom } from './validate-env.js';
import { validateAbsolutePath, validateInnerPath } from './validate-paths.js';
import { validateProbes } from './validate-probes.js';
import { validateResources } from './validate-resources.js';
import { validateSecurityContext } from './validate-security.js';

function validatePorts(container: Container, field: string, hostNetwork: boolean): FieldError[] {
  const names = new Set<string>();
  return (container.ports ?? []).flatMap((port, index) => {
    const at = `${field}.ports[${index}]`;
    const errors: FieldError[] = [];
    if (port.name) {
      const fault = portNameRule(port.name);
      if (fault) errors.push(invalidValue(`${at}.name`, port.name, fault));
      if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    for (const name of ['containerPort', 'hostPort'] as const) {
      const fault = port[name] ? portFault(port[name]) : undefined;
      if (fault) errors.push(invalidValue(`${at}.${name}`, port[name], fault));
    }
    if (hostNetwork && port.hostPort && port.hostPort !== port.containerPort) {
      const detail = 'must match `hostPort` when `hostNetwork` is true';
      errors.push(invalidValue(`${at}.containerPort`, port.containerPort, detail));
    }
    return errors;
  });
}

function validateMounts(
  container: Container,
  field: string,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const paths = new Set<string>();
  return (container.volumeMounts ?? []).flatMap((mount, index) => {
    const at = `${field}.volumeMounts[${index}]`;
    const errors: FieldError[] = [];
    if (mount.name && !volumes.has(mount.name)) {
      errors.push(notFoundValue(`${at}.name`, mount.name));
    }
    if (mount.mountPath) errors.push(...validateAbsolutePath(mount.mountPath, `${at}.mountPath`));
    if (paths.has(mount.mountPath)) {
      errors.push(invalidValue(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    }
    paths.add(mount.mountPath);
    for (const name of ['subPath', 'subPathExpr'] as const) {
      if (mount[name]) errors.push(...validateInnerPath(mount[name], `${at}.${name}`));
    }
    if (mount.subPath && mount.subPathExpr) {
      const detail = 'subPathExpr and subPath are mutually exclusive';
      errors.push(invalidValue(`${at}.subPathExpr`, mount.subPathExpr, detail));
    }
    return errors;
  });
}

function validateImage(image: string | undefined, field: string): FieldError[] {
  if (!image) return [required(field)];
  return image === image.trim()
    ? []
    : [invalidValue(field, image, 'must not have leading or trailing whitespace')];
}

function validateContainer(
  container: Container,
  field: string,
  spec: PodSpec,
  volumes: ReadonlySet<string>,
): FieldError[] {
  const errors: FieldError[] = [];
  const fault = container.name ? dnsLabelRule(container.name) : undefined;
  if (fault) errors.push(invalidValue(`${field}.name`, container.name, fault));
  errors.push(
    ...validateImage(container.image, `${field}.image`),
    ...validatePorts(container, field, spec.hostNetwork ?? false),
    ...validateEnv(container.env, `${field}.env`),
    ...validateEnvFrom(container.envFrom, `${field}.envFrom`),
    ...validateResources(container.resources, `${field}.resources`),
    ...validateMounts(container, field, volumes),
    ...validateProbes(container, field),
    ...validateSecurityContext(container.securityContext, `${field}.securityContext`),
  );
  return errors;
}

/** An init container that ends has neither probes nor hooks; a sidecar may have them. */
function validateInit(container: Container, field: string): FieldError[] {
  if (container.restartPolicy === 'Always') return [];
  const names = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const;
  return names
    .filter((name) => container[name] !== undefined)
    .map((name) =>
      forbidden(
        `${field}.${name}`,
        'may not be set for init containers without restartPolicy=Always',
      ),
    );
}

function validateHostPorts(containers: readonly Container[], field: string): FieldError[] {
  const taken = new Set<string>();
  const errors: FieldError[] = [];
  for (const [index, container] of containers.entries()) {
    for (const [at, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      const path = `${field}[${index}].ports[${at}].hostPort`;
      if (taken.has(key)) errors.push(duplicate(path, key));
      taken.add(key);
    }
  }
  return errors;
}

/** Faults of all containers of a pod, and of their names among one another. */
export function validateContainers(spec: PodSpec, field: string): FieldError[] {
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const at = `${field}.${list}[${index}]`;
      if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
      if (container.name) names.add(container.name);
      errors.push(...validateContainer(container, at, spec, volumes));
      if (list === 'initContainers') errors.push(...validateInit(container, at));
      else if (container.restartPolicy) {
        errors.push(forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers'));
      }
    }
  }
  errors.push(...validateHostPorts(spec.containers ?? [], `${field}.containers`));
  return errors;
}
