import { wholeDeviceMillis } from '../devices/device-names.js';
import type { PodMix } from './pod-mix.js';

/** What is free on a node. */
export interface Residue {
  readonly cpu: number;
  readonly memory: number;
  readonly devices: readonly FreeDevices[];
}

/** Devices of one kind; thousandths free, one by one. */
export interface FreeDevices {
  readonly column: number;
  readonly free: Int32Array;
}

/**
 * One whole device in mean pods: machines are bought for their devices, so a device out of reach costs as much
 * as the cpu of this many pods.
 */
const deviceWorth = 32;

/** What is expected to be left of devices in the end counts this often, beside what is out of reach of the next pod. */
const leftoverWeight = 2;

/**
 * How much of what is free on a node is expected to stay so, in mean pods. Of cpu and memory, for every shape of
 * the mix, what is left when the node is filled with pods of that shape alone, weighted by how frequent the shape
 * is. Of devices what the next pod could not use, likewise (the measure of fragmentation of Weng et al., "Beware of
 * Fragmentation", USENIX ATC 2023), and what will be left of each after many more pods (`leftoversOf`): the
 * former sees that cpu and memory are missing beside a device, the latter which pods fill it up together.
 */
export function expectedWaste(mix: PodMix, { cpu, memory, devices }: Residue): number {
  const { share, cpus, memories, kinds, counts, millis } = mix;
  let [cpuLeft, memoryLeft, millisLeft] = [0, 0, 0];
  for (let i = 0; i < share.length; i++) {
    let pods = room(cpu, cpus[i]!, memory, memories[i]!);
    const kind = kinds[i]!;
    let held = kind < 0;
    let unusable = 0;
    for (let d = 0; d < devices.length; d++) {
      const { column, free } = devices[d]!;
      if (column === kind) {
        held = true;
        pods = Math.min(pods, capacity(free, counts[i]!, millis[i]!));
      }
      unusable += column === kind && pods > 0 ? below(free, millis[i]!) : total(free);
    }
    if (!held) pods = 0;
    cpuLeft += share[i]! * (cpu - pods * cpus[i]!);
    memoryLeft += share[i]! * (memory - pods * memories[i]!);
    millisLeft += share[i]! * unusable;
  }
  for (const { column, free } of devices) {
    millisLeft += leftoverWeight * leftOver(free, mix.leftovers.get(column));
  }
  const means = cpuLeft * mix.perMeanCpu + memoryLeft * mix.perMeanMemory;
  return means + (deviceWorth * millisLeft) / wholeDeviceMillis;
}

/** How often cpu and memory suffice. */
function room(cpu: number, askedCpu: number, memory: number, askedMemory: number): number {
  const byCpu = askedCpu > 0 ? Math.floor(cpu / askedCpu) : Number.MAX_SAFE_INTEGER;
  const byMemory = askedMemory > 0 ? Math.floor(memory / askedMemory) : Number.MAX_SAFE_INTEGER;
  const pods = byCpu < byMemory ? byCpu : byMemory;
  return pods > 0 ? pods : 0;
}

/** Pods for which the devices suffice. */
function capacity(free: Int32Array, count: number, millis: number): number {
  let pods = 0;
  for (let i = 0; i < free.length; i++) {
    if (free[i]! >= millis) pods += millis === wholeDeviceMillis ? 1 : (free[i]! / millis) | 0;
  }
  return count === 1 ? pods : Math.floor(pods / count);
}

/** What is free of devices that have less than this. */
function below(free: Int32Array, millis: number): number {
  let sum = 0;
  for (let i = 0; i < free.length; i++) if (free[i]! > 0 && free[i]! < millis) sum += free[i]!;
  return sum;
}

/** All of it where nobody asks for one such device. */
function leftOver(free: Int32Array, leftovers: Float64Array | undefined): number {
  if (!leftovers) return total(free);
  let sum = 0;
  for (let i = 0; i < free.length; i++) if (free[i]! > 0) sum += leftovers[free[i]!]!;
  return sum;
}

function total(free: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < free.length; i++) if (free[i]! > 0) sum += free[i]!;
  return sum;
}
