import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigMapKind, type ConfigMap } from '@gantry/api';
import { startEtcd, TcpProxy, type EtcdServer } from '@gantry/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testConfig } from './config.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

let directory: string;
let etcd: EtcdServer;
let link: TcpProxy;
const running: ControlPlane[] = [];

async function start(name: string, endpoint: string): Promise<ControlPlane> {
  const store = { type: 'etcd', endpoints: [endpoint] } as const;
  const overrides = { store, identity: name, leaseSeconds: 3 };
  const plane = await startControlPlane(testConfig(join(directory, name), overrides));
  running.push(plane);
  return plane;
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-two-'));
  etcd = await startEtcd();
  link = await TcpProxy.start(etcd.port);
});

afterEach(async () => {
  link.heal();
  for (const plane of running.splice(0)) await plane.close();
  await link.close();
  await etcd.stop();
  await rm(directory, { recursive: true, force: true });
});

const configMap = (name: string) =>
  ({ metadata: { name, namespace: 'default' }, data: {} }) as ConfigMap;

describe('two control planes on one etcd', () => {
  it('both serve, one leads, and the other takes over when that one is cut off', async () => {
    const first = await start('one', link.endpoint);
    await expect.poll(() => first.leader.leading).toBe(true);
    await cp(join(directory, 'one/pki'), join(directory, 'two/pki'), { recursive: true });
    const second = await start('two', etcd.endpoint);
    expect(second.pki.caHash).toBe(first.pki.caHash);
    await first.objects.create(ConfigMapKind, configMap('a'));
    expect(await second.objects.get(ConfigMapKind, 'default', 'a')).toBeDefined();
    expect(second.leader.leading).toBe(false);

    link.freeze();
    const cutAt = performance.now();
    await expect.poll(() => second.leader.leading, { timeout: 10_000 }).toBe(true);
    expect(performance.now() - cutAt).toBeLessThan(10_000);
    expect(first.leader.leading).toBe(false);
    const late = first.leader.objects.create(ConfigMapKind, configMap('late'));
    await expect(late).rejects.toMatchObject({ reason: 'ServiceUnavailable' });
    await second.leader.objects.create(ConfigMapKind, configMap('b'));

    link.heal();
    const found = () => first.objects.get(ConfigMapKind, 'default', 'b').catch(() => undefined);
    await expect.poll(found, { timeout: 10_000 }).toBeDefined();
    expect(first.leader.leading).toBe(false);
  }, 60_000);

  it('hand over at once when the leader stops', async () => {
    const first = await start('one', etcd.endpoint);
    await expect.poll(() => first.leader.leading).toBe(true);
    const second = await start('two', etcd.endpoint);
    const stoppedAt = performance.now();
    await first.close();
    await expect.poll(() => second.leader.leading).toBe(true);
    expect(performance.now() - stoppedAt).toBeLessThan(2_500);
  }, 30_000);

  it('go on after etcd was killed and started again', async () => {
    const plane = await start('one', etcd.endpoint);
    await plane.objects.create(ConfigMapKind, configMap('kept'));
    await etcd.kill();
    const lost = plane.objects.get(ConfigMapKind, 'default', 'kept');
    await expect(lost).rejects.toMatchObject({ reason: 'ServiceUnavailable' });
    await etcd.start();
    const found = () => plane.objects.get(ConfigMapKind, 'default', 'kept').catch(() => undefined);
    await expect.poll(found, { timeout: 10_000 }).toBeDefined();
    await expect.poll(() => plane.leader.leading, { timeout: 10_000 }).toBe(true);
  }, 40_000);
});
