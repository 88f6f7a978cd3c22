import { globSync, readFileSync } from 'node:fs';
import { describeError } from '@gantry/base';

/** Devices of one kind that this node offers; a device's number is its place in the list. */
export interface DevicePool {
  /** `DOMAIN/DEVICE`, the extended resource. */
  readonly resource: string;
  /** Device files, one for each device. */
  readonly devices: readonly string[];
  /** Device files that every container gets that has one of the devices. */
  readonly beside: readonly string[];
  /** The variable in which a container finds the numbers of its devices. */
  readonly env: string;
}

/** Thousandths of a device may be asked for by this name beside whole ones. */
export const shareOf = (resource: string) => `${resource}-milli`;

/** As the scheduler has it: on one node. */
const maxDevices = 64;
const maxPools = 32;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isPaths = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((path) => isText(path) && path.startsWith('/dev/'));

/**
 * Reads the file of --devices: a JSON list of {resource, devices, beside, env}, paths as patterns below /dev.
 * Throws with the entry and the field that is wrong.
 */
export function readDevicePools(file: string): DevicePool[] {
  const parsed = parse(file);
  if (!Array.isArray(parsed) || parsed.length > maxPools) {
    throw new Error(`${file} must hold a list of at most ${maxPools} kinds of devices`);
  }
  const pools = parsed.map((entry: unknown, i) => poolOf(entry, `${file}: [${i}]`));
  const twice = pools.find(
    ({ resource }, i) => pools.findIndex((p) => p.resource === resource) < i,
  );
  if (twice) throw new Error(`${file}: ${twice.resource} is there twice`);
  return pools;
}

function parse(file: string): unknown {
  const text = readFileSync(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is no valid JSON: ${describeError(error)}`, { cause: error });
  }
}

function poolOf(entry: unknown, at: string): DevicePool {
  const { resource, devices, beside = [], env } = (entry ?? {}) as Record<string, unknown>;
  const name = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]{2,}\/[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?$/;
  if (!isText(resource) || !name.test(resource) || resource.includes('kubernetes.io/')) {
    throw new Error(`${at}.resource must be a name such as example.com/gpu`);
  }
  if (resource.endsWith('-milli')) {
    throw new Error(`${at}.resource: ${resource} would be a share; leave -milli away`);
  }
  if (!isPaths(devices) || devices.length === 0) {
    throw new Error(`${at}.devices must be a list of patterns such as "/dev/nvidia[0-9]*"`);
  }
  if (!isPaths(beside)) throw new Error(`${at}.beside must be a list of paths below /dev`);
  const fallback = `${resource.slice(resource.indexOf('/') + 1)}_DEVICES`;
  const variable = env ?? fallback.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  if (!isText(variable) || !/^[A-Za-z_]\w*$/.test(variable)) {
    throw new Error(`${at}.env must be the name of a variable`);
  }
  const found = expand(devices);
  if (found.length > maxDevices) {
    throw new Error(`${at}.devices: ${found.length} devices, more than ${maxDevices}`);
  }
  return { resource, devices: found, beside: expand(beside), env: variable };
}

/** Paths that are there, by number: nvidia2 before nvidia10. */
function expand(patterns: readonly string[]): string[] {
  const found = new Set(patterns.flatMap((pattern) => globSync(pattern)));
  return [...found].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** What the node has of each, whole and in thousandths. */
export function deviceResources(pools: readonly DevicePool[]): Record<string, string> {
  return Object.fromEntries(
    pools.flatMap(({ resource, devices }) => [
      [resource, String(devices.length)],
      [shareOf(resource), String(devices.length * 1_000)],
    ]),
  );
}
