import { compareQuantities } from '@gantry/api-machinery';
import type { Container } from './container.js';
import type { PodSpec } from './pod-spec.js';
import type { QOSClass } from './pod-status.js';

const weighed = ['cpu', 'memory'] as const;

function isGuaranteed({ resources = {} }: Container): boolean {
  return weighed.every((name) => {
    const limit = resources.limits?.[name];
    const request = resources.requests?.[name] ?? limit;
    if (limit === undefined || request === undefined) return false;
    return compareQuantities(limit, 0) > 0 && compareQuantities(limit, request) === 0;
  });
}

function isBestEffort({ resources = {} }: Container): boolean {
  return weighed.every((name) => {
    const amounts = [resources.limits?.[name] ?? '0', resources.requests?.[name] ?? '0'];
    return amounts.every((amount) => compareQuantities(amount, 0) === 0);
  });
}

/** Guaranteed when all containers have equal cpu and memory requests and limits; BestEffort when none has any. */
export function qosClassOf(spec: PodSpec): QOSClass {
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  if (containers.every(isBestEffort)) return 'BestEffort';
  return containers.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}
