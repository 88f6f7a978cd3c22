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

/**
 * How much of what is free on a node is expected to stay so, in mean pods: for every shape of the mix, what is
 * left when the node is filled with pods of that shape alone, weighted by how frequent the shape is. Of
 * devices also that which not even one more pod of the shape can use counts: the measure of fragmentation of
 * Weng et al., "Beware of Fragmentation", USENIX ATC 2023. Both together look further ahead than either.
 */
export function expectedWaste(mix: PodMix, { cpu, memory, devices }: Residue): number {
  const { share, cpus, memories, kinds, counts, millis } = mix;
  let [cpuLeft, memoryLeft, millisLeft] = [0, 0, 0];
  for (let i = 0; i < share.length; i++) {
    let pods = room(cpu, cpus[i]!, memory, memories[i]!);
    const kind = kinds[i]!;
    let held = kind < 0;
    let wasted = 0;
    for (let d = 0; d < devices.length; d++) {
      const { column, free } = devices[d]!;
      if (column !== kind) {
        wasted += 2 * total(free);
        continue;
      }
      held = true;
      pods = Math.min(pods, capacity(free, counts[i]!, millis[i]!));
      wasted += wastedMillis(free, pods, counts[i]!, millis[i]!);
    }
    if (!held) pods = 0;
    cpuLeft += share[i]! * (cpu - pods * cpus[i]!);
    memoryLeft += share[i]! * (memory - pods * memories[i]!);
    millisLeft += share[i]! * wasted;
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

/** Out of reach of the next pod, and left over after as many as there is room for. */
function wastedMillis(free: Int32Array, pods: number, count: number, millis: number): number {
  const all = total(free);
  if (pods === 0) return 2 * all;
  let unusable = 0;
  for (let i = 0; i < free.length; i++) {
    if (free[i]! > 0 && free[i]! < millis) unusable += free[i]!;
  }
  return unusable + all - pods * count * millis;
}

function total(free: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < free.length; i++) if (free[i]! > 0) sum += free[i]!;
  return sum;
}
