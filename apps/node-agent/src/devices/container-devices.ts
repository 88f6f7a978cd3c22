import type { Container, Pod } from '@gantry/api';
import type { Device } from '@gantry/runtime-client';
import { ContainerConfigError } from '../bundle/config-error.js';
import { deviceNode } from './device-node.js';
import { shareOf, type DevicePool } from './device-pools.js';

/** By resource, the numbers of the devices that the scheduler gave the pod. */
export const devicesAnnotation = 'gantry.dev/devices';

/** What a container gets of the node's devices. */
export interface ContainerDevices {
  readonly nodes: readonly Device[];
  readonly env: Readonly<Record<string, string>>;
}

const asked = (container: Container, resource: string) =>
  Number(container.resources?.limits?.[resource] ?? container.resources?.requests?.[resource] ?? 0);

/** The devices of one container of the pod; ContainerConfigError when they are not there (any more). */
export function containerDevices(
  pod: Pod,
  container: Container,
  pools: readonly DevicePool[],
): ContainerDevices {
  const nodes = new Map<string, Device>();
  const env: Record<string, string> = {};
  for (const pool of pools) {
    const numbers = numbersFor(pod, container, pool);
    if (!numbers) continue;
    env[pool.env] = numbers.join(',');
    for (const path of [...numbers.map((number) => pathOf(pool, number)), ...pool.beside]) {
      nodes.set(path, nodeOf(path));
    }
  }
  return { nodes: [...nodes.values()], env };
}

/**
 * Whole devices are handed out in the order of the containers, init containers from the beginning again; a share
 * is of the pod's last device.
 */
function numbersFor(pod: Pod, container: Container, { resource }: DevicePool) {
  const whole = asked(container, resource);
  const share = asked(container, shareOf(resource));
  if (whole + share === 0) return undefined;
  const held = heldBy(pod, resource);
  const { containers, initContainers = [] } = pod.spec;
  const order = initContainers.some(({ name }) => name === container.name) ? [] : containers;
  const at = order.findIndex(({ name }) => name === container.name);
  const from = order.slice(0, Math.max(0, at)).reduce((sum, one) => sum + asked(one, resource), 0);
  const numbers = held.slice(from, from + whole);
  if (numbers.length < whole || held.length === 0) {
    throw new ContainerConfigError(
      `${resource}: the pod was given ${held.length} devices by the annotation ${devicesAnnotation}, which is not enough`,
    );
  }
  return share > 0 ? [...new Set([...numbers, held.at(-1)!])] : numbers;
}

function heldBy(pod: Pod, resource: string): number[] {
  const text = pod.metadata.annotations?.[devicesAnnotation] ?? '{}';
  try {
    const held: unknown = (JSON.parse(text) as Record<string, unknown>)[resource] ?? [];
    if (Array.isArray(held) && held.every((n) => Number.isInteger(n) && n >= 0)) return held;
  } catch {
    // Falls through to the sentence for all that is wrong.
  }
  throw new ContainerConfigError(
    `the annotation ${devicesAnnotation} must be numbers of devices by resource, not ${text}`,
  );
}

function pathOf({ resource, devices }: DevicePool, number: number): string {
  const path = devices[number];
  if (path !== undefined) return path;
  throw new ContainerConfigError(
    `${resource}: device ${number} is not on this node, which has ${devices.length}`,
  );
}

function nodeOf(path: string): Device {
  try {
    const found = deviceNode(path);
    if (found) return found;
  } catch {
    // It was there when the agent started.
  }
  throw new ContainerConfigError(`${path} is not a device of this node any more`);
}
