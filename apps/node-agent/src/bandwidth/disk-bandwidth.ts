import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Container } from '@gantry/api';
import type { Resources } from '@gantry/runtime-client';
import { deviceNumbers } from '../devices/device-node.js';
import { parseBytes } from '../quantity.js';
import { parseRates, rateResources, type Rates } from './rates.js';

/** What of the disk's speed is counted, by the names that --disk-bandwidth takes. */
export const diskRates = ['read', 'write', 'read-ops', 'write-ops'] as const;
export type DiskRate = (typeof diskRates)[number];
/** Bytes or operations in a second. */
export type DiskBandwidth = Rates<DiskRate>;

/** The extended resources by which pods ask for them; whole bytes or operations in a second. */
export const diskResource: Readonly<Record<DiskRate, string>> = {
  read: 'gantry.dev/disk-read-bytes',
  write: 'gantry.dev/disk-write-bytes',
  'read-ops': 'gantry.dev/disk-read-ops',
  'write-ops': 'gantry.dev/disk-write-ops',
};

/** A disk by its numbers. */
export interface Disk {
  readonly major: number;
  readonly minor: number;
}

/** `read=500Mi,write-ops=5000`; throws what is wrong. */
export const parseDiskBandwidth = (text: string): DiskBandwidth =>
  parseRates(text, diskRates, parseBytes);

/** What the node offers of it. */
export const diskResources = (bandwidth: DiskBandwidth) => rateResources(bandwidth, diskResource);

/** The disk that a directory lies on, whole where it is on a partition; throws where there is none. */
export function diskOf(directory: string, sys = '/sys/dev/block'): Disk {
  const { major, minor } = deviceNumbers(statSync(directory).dev);
  const link = join(sys, `${major}:${minor}`);
  if (!existsSync(link)) {
    throw new Error(
      `${directory} lies on no block device (${major}:${minor}), so --disk-bandwidth cannot be kept: leave it out`,
    );
  }
  const place = realpathSync(link);
  if (!existsSync(join(place, 'partition'))) return { major, minor };
  const [whole = '', part = ''] = readFileSync(join(dirname(place), 'dev'), 'utf8').split(':');
  return { major: Number(whole), minor: Number(part) };
}

/** Limits on the disk for a container that asks for a part of its speed. */
export function diskLimits(
  container: Container,
  disk: Disk | undefined,
): Pick<Resources, 'blockIO'> {
  if (!disk) return {};
  const limit = (rate: DiskRate) => {
    const text = container.resources?.limits?.[diskResource[rate]];
    const amount = text === undefined ? 0 : parseBytes(text);
    return amount > 0 ? [{ ...disk, rate: amount }] : undefined;
  };
  const blockIO = {
    throttleReadBpsDevice: limit('read'),
    throttleWriteBpsDevice: limit('write'),
    throttleReadIOPSDevice: limit('read-ops'),
    throttleWriteIOPSDevice: limit('write-ops'),
  };
  const isLimited = Object.values(blockIO).some((value) => value !== undefined);
  return isLimited ? { blockIO } : {};
}
