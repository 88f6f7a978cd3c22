import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Container, Pod } from '@gantry/api';
import { deviceNumbers } from '../devices/device-node.js';
import { attachmentRequest } from '../network/attachment-request.js';
import { diskLimits, diskOf, diskResources, parseDiskBandwidth } from './disk-bandwidth.js';
import { networkResources, parseNetworkBandwidth } from './network-bandwidth.js';

test('what a node offers is what its flags say, as extended resources', () => {
  expect(diskResources(parseDiskBandwidth('read=500Mi,write-ops=5k'))).toEqual({
    'gantry.dev/disk-read-bytes': '524288000',
    'gantry.dev/disk-write-ops': '5000',
  });
  expect(networkResources(parseNetworkBandwidth('egress=1G'))).toEqual({
    'gantry.dev/network-egress-bits': '1000000000',
  });
  expect(diskResources(parseDiskBandwidth(''))).toEqual({});
});

test.each([
  ['speed=1', '"speed=1": give read=, write=, read-ops=, write-ops= and an amount'],
  ['read', '"read": give read='],
  ['read=0', '"read=0" must be above 0'],
])('--disk-bandwidth %s is refused', (text, why) => {
  expect(() => parseDiskBandwidth(text)).toThrow(why);
});

test.each([
  ['up=1G', '"up=1G": give ingress=, egress= and an amount'],
  ['ingress', '"ingress": give ingress='],
  ['egress=0', '"egress=0" must be above 0'],
])('--network-bandwidth %s is refused', (text, why) => {
  expect(() => parseNetworkBandwidth(text)).toThrow(why);
});

const container = (limits: Record<string, string>): Container => ({
  name: 'c',
  image: 'i',
  resources: { limits },
});

test('a container is held to its part of the disk', () => {
  const disk = { major: 8, minor: 0 };
  const limits = { 'gantry.dev/disk-read-bytes': '1M', 'gantry.dev/disk-write-ops': '100' };
  expect(diskLimits(container(limits), disk)).toEqual({
    blockIO: {
      throttleReadBpsDevice: [{ ...disk, rate: 1_000_000 }],
      throttleWriteIOPSDevice: [{ ...disk, rate: 100 }],
    },
  });
  expect(diskLimits(container({ cpu: '1' }), disk)).toEqual({});
  expect(diskLimits(container(limits), undefined)).toEqual({});
});

test('a partition stands for its disk, and a file system without a disk is named', () => {
  const dir = mkdtempSync(join(tmpdir(), 'gantry-disk-'));
  try {
    const { major, minor } = deviceNumbers(statSync(dir).dev);
    const [sys, disk] = [join(dir, 'sys'), join(dir, 'devices/sda')];
    mkdirSync(sys);
    mkdirSync(join(disk, 'sda1'), { recursive: true });
    expect(() => diskOf(dir, sys)).toThrow('lies on no block device');
    symlinkSync(join(disk, 'sda1'), join(sys, `${major}:${minor}`));
    expect(diskOf(dir, sys)).toEqual({ major, minor });
    writeFileSync(join(disk, 'sda1/partition'), '1\n');
    writeFileSync(join(disk, 'dev'), '8:16\n');
    expect(diskOf(dir, sys)).toEqual({ major: 8, minor: 16 });
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('the network plugin is told what the pod asks for; the annotation says it more exactly', () => {
  const asking = container({ 'gantry.dev/network-egress-bits': '10M' });
  const pod: Pod = { metadata: { name: 'p' }, spec: { containers: [asking, asking] } };
  const rates = (of: Pod) => attachmentRequest(of).runtimeConfig['bandwidth'];
  expect(rates(pod)).toEqual({ egressRate: 20_000_000, egressBurst: 2_000_000 });
  const annotations = { 'kubernetes.io/egress-bandwidth': '5M' };
  expect(rates({ ...pod, metadata: { name: 'p', annotations } })).toMatchObject({
    egressRate: 5_000_000,
  });
});
