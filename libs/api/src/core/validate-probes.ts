import {
  forbidden,
  invalidValue,
  portFault,
  portNameRule,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import type { Container } from './container.js';
import type { LifecycleHandler, Probe } from './probe.js';
import { validateAbsolutePath } from './validate-paths.js';

function validatePort(port: number | string | undefined, field: string): FieldError[] {
  if (port === undefined) return [];
  const fault = typeof port === 'number' ? portFault(port) : portNameRule(port);
  return fault ? [invalidValue(field, port, fault)] : [];
}

const handlerNames = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function validateHandler(handler: Probe & LifecycleHandler, field: string): FieldError[] {
  const present = handlerNames.filter((name) => handler[name] !== undefined);
  if (present.length === 0) return [required(field, 'must specify a handler type')];
  const errors = present
    .slice(1)
    .map((name) => forbidden(`${field}.${name}`, 'may not specify more than 1 handler type'));
  const { exec, httpGet, tcpSocket, sleep } = handler;
  if (exec && !exec.command?.length) errors.push(required(`${field}.exec.command`));
  if (httpGet) {
    errors.push(...validatePort(httpGet.port, `${field}.httpGet.port`));
    for (const [index, header] of (httpGet.httpHeaders ?? []).entries()) {
      if (/^[-A-Za-z0-9!#$%&'*+.^_`|~]+$/.test(header.name ?? '')) continue;
      const detail = 'a valid HTTP header must consist of alphanumeric characters or "-"';
      const at = `${field}.httpGet.httpHeaders[${index}].name`;
      if (header.name) errors.push(invalidValue(at, header.name, detail));
    }
  }
  if (tcpSocket) errors.push(...validatePort(tcpSocket.port, `${field}.tcpSocket.port`));
  if (sleep && sleep.seconds < 0) {
    errors.push(invalidValue(`${field}.sleep.seconds`, sleep.seconds, 'must be positive'));
  }
  return errors;
}

function validateProbe(probe: Probe | undefined, name: string, field: string): FieldError[] {
  if (!probe) return [];
  const errors = validateHandler(probe, field);
  if (name !== 'readinessProbe' && probe.successThreshold !== 1) {
    errors.push(invalidValue(`${field}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  if (name === 'readinessProbe' && probe.terminationGracePeriodSeconds !== undefined) {
    const detail = 'must not be set for readinessProbes';
    const at = `${field}.terminationGracePeriodSeconds`;
    errors.push(invalidValue(at, probe.terminationGracePeriodSeconds, detail));
  }
  return errors;
}

/** Faults of the probes and hooks of a container. */
export function validateProbes(container: Container, field: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    errors.push(...validateProbe(container[name], name, `${field}.${name}`));
  }
  for (const name of ['postStart', 'preStop'] as const) {
    const hook = container.lifecycle?.[name];
    if (!hook) continue;
    errors.push(...validateHandler(hook, `${field}.lifecycle.${name}`));
  }
  if (container.terminationMessagePath) {
    const at = `${field}.terminationMessagePath`;
    errors.push(...validateAbsolutePath(container.terminationMessagePath, at));
  }
  return errors;
}
