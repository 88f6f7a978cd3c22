import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadDefaultSeccomp } from './default-spec.js';
import { eventually, nativeDir, TestNode } from './node.fixture.js';
import type { RuntimeClient } from './runtime-client.js';

let node: TestNode;
let client: RuntimeClient;

beforeAll(async () => {
  node = await TestNode.create();
  client = await node.connect();
});
afterAll(() => node.remove());

test('a container in a sandbox has its namespaces and the strict defaults', async () => {
  const sandbox = await node.sandbox(client, 'pod-name', {
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '81' },
  });
  const seccomp = await loadDefaultSeccomp(nativeDir);
  const script = [
    'hostname',
    'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
    'grep -E "^(CapEff|CapInh|NoNewPrivs|Seccomp):" /proc/self/status | tr "\\t" " "',
    'unshare --user true 2>&1 || echo no user namespaces',
    'touch /sys/x 2>&1 || true',
    'echo keys: $(wc -c < /proc/keys)',
  ].join('; ');
  await node.create(client, 'strict', script, (spec) => {
    const joined = { network: sandbox.net, ipc: sandbox.ipc, uts: sandbox.uts };
    spec.linux.namespaces = spec.linux.namespaces.map((each) => ({
      ...each,
      path: joined[each.type as keyof typeof joined],
    }));
    spec.linux.seccomp = seccomp;
  });
  await client.start('strict');
  await eventually('it has ended', () => client.exitRecord('strict'));
  const entries = (await node.logEntries('strict')).map((line) => line.replace('stdout F ', ''));
  expect(entries.slice(0, 6)).toEqual([
    'pod-name',
    '81',
    'CapInh: 0000000000000000',
    'CapEff: 00000000800405fb',
    'NoNewPrivs: 1',
    'Seccomp: 2',
  ]);
  expect(entries).toContain('no user namespaces');
  expect(entries.join('\n')).toMatch(/\/sys\/x.*Read-only file system/);
  expect(entries).toContain('keys: 0');
  await client.delete('strict');
  await client.removeSandbox(sandbox.dir);
});
