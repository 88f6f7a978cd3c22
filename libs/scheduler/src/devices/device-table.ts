import { wholeDeviceMillis } from './device-names.js';

/** Devices of one kind that are told apart on one node; a node that offers more counts as offering these. */
export const maxDevicesPerNode = 256;

/**
 * The shared devices of one kind, node by node, each with the thousandths of it that are free. A pod takes
 * several whole devices or a share of one, and never parts of two.
 */
export class DeviceTable {
  /** By slot; undefined where the node does not share such devices. */
  private readonly frees: (Int32Array | undefined)[] = [];

  /** Thousandths free by device; undefined where the node does not share such devices. Not to be changed. */
  free(slot: number): Int32Array | undefined {
    return this.frees[slot];
  }

  /** Begins anew with this many devices, all free; with none, the node shares no such devices. */
  reset(slot: number, count: number): void {
    const devices = Math.min(maxDevicesPerNode, count);
    this.frees[slot] = devices > 0 ? new Int32Array(devices).fill(wholeDeviceMillis) : undefined;
  }

  /**
   * Takes the wanted devices, whether or not they are free (the pod runs there), and else those of `choose`.
   * A wanted device that the node has lost stays the pod's and takes nothing from others. Returns the devices taken.
   */
  take(slot: number, count: number, millis: number, wanted?: readonly number[]): readonly number[] {
    const free = this.frees[slot]!;
    const devices = wanted?.length === count ? wanted : choose(free, count, millis);
    for (const device of devices) if (device < free.length) free[device]! -= millis;
    return devices;
  }

  giveBack(slot: number, devices: readonly number[], millis: number): void {
    const free = this.frees[slot]!;
    for (const device of devices) if (device < free.length) free[device]! += millis;
  }

  /** Devices of which nothing is taken. */
  wholes(slot: number): number {
    let count = 0;
    for (const free of this.frees[slot]!) if (free === wholeDeviceMillis) count++;
    return count;
  }

  /** The largest share that one device still has. */
  largestShare(slot: number): number {
    let largest = 0;
    for (const free of this.frees[slot]!) if (free > largest) largest = free;
    return largest;
  }
}

/**
 * Which devices a pod gets: for a share the fullest device with room, for whole ones the first that are
 * free. Where there is no room (somebody else decided so) those with most left.
 */
export function choose(free: Int32Array, count: number, millis: number): number[] {
  if (count === 1 && millis < wholeDeviceMillis) {
    let best = -1;
    for (let i = 0; i < free.length; i++) {
      if (free[i]! >= millis && (best < 0 || free[i]! < free[best]!)) best = i;
    }
    if (best >= 0) return [best];
  }
  const devices = [...free.keys()].sort((a, b) => free[b]! - free[a]! || a - b);
  return devices.slice(0, count);
}
