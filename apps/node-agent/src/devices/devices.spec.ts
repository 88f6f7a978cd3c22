import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Container, Pod } from '@gantry/api';
import { containerDevices } from './container-devices.js';
import { deviceResources, readDevicePools, type DevicePool } from './device-pools.js';

const dir = mkdtempSync(join(tmpdir(), 'gantry-devices-'));
afterAll(() => rmSync(dir, { recursive: true }));

function pools(content: unknown): DevicePool[] {
  const file = join(dir, 'devices.json');
  writeFileSync(file, JSON.stringify(content));
  return readDevicePools(file);
}

test('a file that is no JSON is named', () => {
  const file = join(dir, 'faulty.json');
  writeFileSync(file, '[{');
  expect(() => readDevicePools(file)).toThrow(`${file} is no valid JSON`);
});

const entry = { resource: 'example.com/noise', devices: ['/dev/[zf]*'] };

test('patterns become devices with numbers, and the node offers them whole and in parts', () => {
  const [pool] = pools([{ ...entry, devices: ['/dev/zero', '/dev/full'], beside: ['/dev/null'] }]);
  expect(pool).toEqual({
    resource: 'example.com/noise',
    devices: ['/dev/full', '/dev/zero'],
    beside: ['/dev/null'],
    env: 'NOISE_DEVICES',
  });
  expect(deviceResources([pool!])).toEqual({
    'example.com/noise': '2',
    'example.com/noise-milli': '2000',
  });
});

test.each<[unknown, string]>([
  [{}, 'must hold a list'],
  [[{ ...entry, resource: 'gpu' }], '[0].resource must be a name'],
  [[{ ...entry, resource: 'example.com/gpu-milli' }], 'leave -milli away'],
  [[{ ...entry, devices: ['/etc/passwd'] }], '[0].devices must be'],
  [[{ ...entry, beside: 'x' }], '[0].beside must be'],
  [[{ ...entry, env: 'A=B' }], '[0].env must be'],
  [[entry, entry], 'is there twice'],
])('%j is refused', (content, fault) => {
  expect(() => pools(content)).toThrow(fault);
});

const pool: DevicePool = {
  resource: 'example.com/noise',
  devices: ['/dev/full', '/dev/zero', '/dev/random'],
  beside: ['/dev/null'],
  env: 'NOISE',
};
const container = (name: string, amount: Record<string, string> = {}): Container => ({
  name,
  image: 'i',
  resources: { limits: amount },
});

function given(annotation: string, asks: Record<string, string>[]) {
  const containers = asks.map((ask, i) => container(`c${i}`, ask));
  const metadata = { name: 'p', annotations: { 'gantry.dev/devices': annotation } };
  const pod: Pod = { metadata, spec: { containers } };
  return containers.map((each) => {
    const { nodes, env } = containerDevices(pod, each, [pool]);
    return [env['NOISE'], nodes.map(({ path }) => path)];
  });
}

test('containers get whole devices one after the other, and shares of the last', () => {
  const whole = { 'example.com/noise': '1' };
  const share = { 'example.com/noise-milli': '300' };
  expect(given('{"example.com/noise":[2,0]}', [whole, {}, whole])).toEqual([
    ['2', ['/dev/random', '/dev/null']],
    [undefined, []],
    ['0', ['/dev/full', '/dev/null']],
  ]);
  expect(given('{"example.com/noise":[1]}', [share, share])).toEqual([
    ['1', ['/dev/zero', '/dev/null']],
    ['1', ['/dev/zero', '/dev/null']],
  ]);
});

test('the numbers of major and minor are those of the device', () => {
  const one = container('c', { 'example.com/noise': '1' });
  const annotations = { 'gantry.dev/devices': '{"example.com/noise":[1]}' };
  const pod: Pod = { metadata: { name: 'p', annotations }, spec: { containers: [one] } };
  expect(containerDevices(pod, one, [pool]).nodes[0]).toMatchObject({
    path: '/dev/zero',
    type: 'c',
    major: 1,
    minor: 5,
  });
});

test.each([
  ['{', 'must be numbers of devices'],
  ['{"example.com/noise":["x"]}', 'must be numbers of devices'],
  ['{}', 'given 0 devices'],
  ['{"example.com/noise":[9]}', 'device 9 is not on this node, which has 3'],
])('%s is told', (annotation, fault) => {
  expect(() => given(annotation, [{ 'example.com/noise': '1' }])).toThrow(fault);
});
