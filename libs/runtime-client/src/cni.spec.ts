import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CniPlugin, NodeNetwork, type CniConfig, type Run } from './cni.js';
import { nativeDir, TestNode } from './node.fixture.js';
import type { RuntimeClient } from './runtime-client.js';

const binary = join(nativeDir, 'gantry-network');
let node: TestNode;
let client: RuntimeClient;
let config: CniConfig;
let inHost: Run;

beforeAll(async () => {
  node = await TestNode.create();
  client = await node.connect();
  const host = await node.sandbox(client, 'host');
  // The host's network is one that the test has made.
  inHost = (argv, options) =>
    client.run(['/usr/bin/nsenter', `--net=${host.net}`, ...argv], options);
  config = {
    cniVersion: '1.1.0',
    name: 'gantry',
    type: 'gantry-network',
    bridge: 'gantry0',
    podCIDR: '10.42.1.0/24',
    clusterCIDR: '10.42.0.0/16',
    mtu: 0,
    dataDir: join(node.dir, 'network'),
  };
});
afterAll(() => node.remove());

async function inside(netns: string | undefined, script: string): Promise<string> {
  const argv = ['/usr/bin/nsenter', `--net=${netns}`, '/bin/sh', '-c', script];
  return (await client.run(argv)).stdout;
}

test('a sandbox is connected, checked and disconnected', async () => {
  const plugin = new CniPlugin(binary, config, inHost);
  const pod = await node.sandbox(client, 'pod');
  await expect(node.sandbox(client, 'pod')).rejects.toMatchObject({
    reason: 'AlreadyExists',
  });
  const attachment = { containerId: 'pod-1', netns: pod.net! };
  const result = await plugin.add(attachment);
  expect(result.ips).toMatchObject([{ address: '10.42.1.2/24', gateway: '10.42.1.1' }]);
  expect(await inside(pod.net, 'ip -br addr show eth0')).toContain('10.42.1.2/24');
  await plugin.check(attachment, result);
  await expect(plugin.add(attachment)).rejects.toThrow('network ADD: pod-1 is attached already');
  await plugin.gc([attachment]);
  await plugin.check(attachment, result);
  await plugin.gc([]);
  await expect(plugin.check(attachment, result)).rejects.toThrow('network CHECK');
  await plugin.del(attachment);
  await plugin.del(attachment);
  await client.removeSandbox(pod.dir);
  await client.removeSandbox(pod.dir);
});

test('the node’s network is set up, routed and taken down', async () => {
  const network = new NodeNetwork(binary, config, inHost);
  await network.setup();
  const routes = [{ podCIDR: '10.42.2.0/24', via: '10.42.1.77' }];
  await network.setRoutes(routes);
  const host = join(node.dir, 'host/net');
  expect(await inside(host, 'ip route')).toContain('10.42.2.0/24 via 10.42.1.77');
  const wrong = network.setRoutes([{ podCIDR: 'x', via: '10.42.1.77' }]);
  await expect(wrong).rejects.toMatchObject({ reason: 'BadRequest' });
  await network.teardown();
  expect(await inside(host, 'ip route; ip -br link show type bridge')).toBe('');
});
