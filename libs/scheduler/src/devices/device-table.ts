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
  /** What is expected to be left of a device of which so much is free; undefined while that is unknown. */
  leftovers: Float64Array | undefined;

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
    const devices = wanted?.length === count ? wanted : this.choice(slot, count, millis);
    for (const device of devices) if (device < free.length) free[device]! -= millis;
    return devices;
  }

  /** The devices of the node that `choose` gives to this ask now. */
  choice(slot: number, count: number, millis: number): number[] {
    return choose(this.frees[slot]!, count, millis, this.leftovers);
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
 * Which devices a pod gets: for a share the one that it fills up best, which is the fullest with room while no
 * `leftovers` are known, for whole ones the first that are free. Where there is no room (somebody else decided so) those with most left.
 */
export function choose(
  free: Int32Array,
  count: number,
  millis: number,
  leftovers?: Float64Array,
): number[] {
  if (count === 1 && millis < wholeDeviceMillis) {
    const best = bestForShare(free, millis, leftovers);
    if (best >= 0) return [best];
  }
  const devices = [...free.keys()].sort((a, b) => free[b]! - free[a]! || a - b);
  return devices.slice(0, count);
}

/** The device to whose leftovers the share adds least, of such the fullest; -1 when none has room. */
function bestForShare(free: Int32Array, millis: number, leftovers?: Float64Array): number {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < free.length; i++) {
    const has = free[i]!;
    if (has < millis) continue;
    // Rounded, since what is left of an exact fit differs from nothing by the error of the arithmetic.
    const added = leftovers ? Math.round(1_000 * (leftovers[has - millis]! - leftovers[has]!)) : 0;
    if (added > least || (added === least && has >= free[best]!)) continue;
    best = i;
    least = added;
  }
  return best;
}
