import { isExtended } from './device-names.js';

/** Which devices of a node a pod holds, numbered from 0, by the device's resource name. */
export type DeviceHoldings = Readonly<Record<string, readonly number[]>>;

/** The annotation in which a bound pod says which devices are its own: `{"nvidia.com/gpu": [3]}`. */
export const devicesAnnotation = 'gantry.dev/devices';

/** An annotation longer than this is not one that was written by a scheduler. */
const maxAnnotationLength = 16_384;

/** Reads the annotation; undefined when there is none or it is not one of ours. */
export function parseHoldings(annotation: string | undefined): DeviceHoldings | undefined {
  if (!annotation || annotation.length > maxAnnotationLength) return undefined;
  try {
    const parsed: unknown = JSON.parse(annotation);
    return isHoldings(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a pod that holds these may be left as it is; nothing wanted is content with anything. */
export function sameDevices(
  wanted: DeviceHoldings | undefined,
  held: DeviceHoldings | undefined,
): boolean {
  return !wanted || JSON.stringify(wanted) === JSON.stringify(held ?? {});
}

function isHoldings(value: unknown): value is DeviceHoldings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(
    ([resource, devices]) =>
      isExtended(resource) &&
      Array.isArray(devices) &&
      devices.every((device) => Number.isSafeInteger(device) && device >= 0) &&
      new Set(devices).size === devices.length,
  );
}
