import { wholeDeviceMillis } from '../devices/device-names.js';

/** Pods that are thought to come by a device before it stays as it is: then what is left of it counts as lost. */
const podsToCome = 128;

/** What pods ask of devices of one kind. */
export interface DeviceDemand {
  /** How likely the next pod is to ask for it. */
  readonly share: number;
  readonly kind: number;
  readonly count: number;
  readonly millis: number;
}

/**
 * By the column of the kind and the thousandths that are free of one device, those that are expected to be left in
 * the end: as pods of the mix come by, the device takes each that brings it nearer to being used up and lets
 * others pass. Pods that want several devices are no help in filling one. Kinds that nobody asks for are left out.
 */
export function leftoversOf(demands: Iterable<DeviceDemand>): ReadonlyMap<number, Float64Array> {
  const likely = new Map<number, Map<number, number>>();
  for (const { share, kind, count, millis } of demands) {
    if (kind < 0 || count !== 1) continue;
    let byMillis = likely.get(kind);
    if (!byMillis) likely.set(kind, (byMillis = new Map()));
    byMillis.set(millis, (byMillis.get(millis) ?? 0) + share);
  }
  return new Map([...likely].map(([kind, byMillis]) => [kind, leftovers(byMillis)]));
}

function leftovers(likely: ReadonlyMap<number, number>): Float64Array {
  let left = Float64Array.from({ length: wholeDeviceMillis + 1 }, (_, free) => free);
  for (let pod = 0; pod < podsToCome; pod++) {
    const after = left.slice();
    for (const [millis, share] of likely) {
      for (let free = millis; free <= wholeDeviceMillis; free++) {
        const gain = left[free]! - left[free - millis]!;
        if (gain > 0) after[free]! -= share * gain;
      }
    }
    left = after;
  }
  return left;
}
