/** What ends the name of a resource that is asked for in thousandths of one device. */
const shareSuffix = '-milli';

/** One whole device. */
export const wholeDeviceMillis = 1_000;

/** Whether the resource is one that machines bring beyond the well-known ones, by its domain. */
export function isExtended(resource: string): boolean {
  return resource.includes('/');
}

/** The name under which shares of this device are offered and asked for: `nvidia.com/gpu-milli`. */
export function shareOf(device: string): string {
  return device + shareSuffix;
}

/** The device that this resource is shares of: `nvidia.com/gpu` for `nvidia.com/gpu-milli`. */
export function deviceOf(resource: string): string | undefined {
  if (!isExtended(resource) || !resource.endsWith(shareSuffix)) return undefined;
  return resource.slice(0, -shareSuffix.length);
}
