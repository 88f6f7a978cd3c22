import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { PodBed, script } from './pod-bed.ts';

const port = (hostPort: number) => ({ ports: [{ containerPort: 8080, hostPort }] });

/** The first line of a page; empty when nobody answers. */
async function page(bed: PodBed, url: string): Promise<string> {
  return (await bed.host.inside(['curl', '-sm', '3', url])).stdout;
}

describe('our own network', () => {
  let bed: PodBed;
  beforeAll(async () => {
    bed = await PodBed.start();
  });
  afterAll(() => bed?.host.close());
  afterEach(() => bed.clear());

  test('a hostPort leads to the pod, also from loopback, and is closed with it', async () => {
    await bed.run('web', { container: port(8088) });
    const { status } = await bed.ready('web');
    expect(await page(bed, 'http://127.0.0.1:8088/')).toBe('hello from a pod\n');
    await bed.run('client', { container: script('sleep 1000') });
    await bed.ready('client');
    const gateway = status.podIP!.replace(/\.\d+$/, '.1');
    const fetched = await bed.inPod('client', `wget -qO- http://${gateway}:8088/`);
    expect(fetched).toBe('hello from a pod\n');
    bed.host.killAgent();
    expect(await page(bed, 'http://127.0.0.1:8088/')).toBe('hello from a pod\n');
    bed.host.startAgent();
    await bed.host.agentReady();
    await bed.host.must(['delete', 'pod', 'web', '--timeout=20s']);
    expect(await page(bed, 'http://127.0.0.1:8088/')).toBe('');
    const rules = await bed.host.inside(['nft', 'list', 'table', 'ip', 'gantry']);
    expect(rules.stdout).not.toContain('8088');
  });

  test('two pods that want the same port of the host do not meet on it', async () => {
    await bed.run('first', { container: port(8089) });
    await bed.run('second', { container: port(8089) });
    await bed.ready('first');
    const waits = await bed.host.must(['get', 'pod', 'second', '-o', 'jsonpath={.status.phase}']);
    expect(waits).toBe('Pending');
    await bed.host.must(['delete', 'pod', 'first', '--timeout=20s']);
    await bed.ready('second');
    expect(await page(bed, 'http://127.0.0.1:8089/')).toBe('hello from a pod\n');
  });

  test('bandwidth annotations limit both directions, and a wrong one is named', async () => {
    const annotations = {
      'kubernetes.io/ingress-bandwidth': '8M',
      'kubernetes.io/egress-bandwidth': '4M',
    };
    await bed.run('slow', { metadata: { annotations }, container: script('sleep 1000') });
    await bed.ready('slow');
    const host = await bed.host.inside(['tc', 'qdisc', 'show']);
    expect(host.stdout).toMatch(/qdisc tbf .*dev veth\w+ root .*rate 8Mbit/);
    const odd = { annotations: { 'kubernetes.io/ingress-bandwidth': 'fast' } };
    await bed.run('odd', { metadata: odd });
    await eventually('the event that says so', async () => {
      const events = await bed.host.must(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
      return events.includes('must be bits per second from 1k to 1P');
    });
  });
});

describe("Debian's CNI plugins, chained", () => {
  const dir = mkdtempSync('/var/tmp/gantry-cni-');
  let bed: PodBed;
  beforeAll(async () => {
    const ipam = { type: 'host-local', subnet: '10.77.0.0/24', dataDir: join(dir, 'leases') };
    const bridge = {
      type: 'bridge',
      bridge: 'other0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
    };
    const network = {
      cniVersion: '1.0.0',
      name: 'other',
      plugins: [
        { ...bridge, ipam: { ...ipam, routes: [{ dst: '0.0.0.0/0' }] } },
        { type: 'portmap', capabilities: { portMappings: true } },
        { type: 'tuning', sysctl: { 'net.core.somaxconn': '77' } },
      ],
    };
    writeFileSync(join(dir, '10-other.conflist'), JSON.stringify(network));
    bed = await PodBed.start(['--cni-conf-dir', dir, '--cni-bin-dir', '/usr/lib/cni']);
  });
  afterAll(async () => {
    await bed?.host.close();
    rmSync(dir, { recursive: true });
  });
  afterEach(() => bed.clear());

  const leases = () => readdirSync(join(dir, 'leases/other')).filter((name) => /^\d/.test(name));

  test('give address, port and sysctl, and are asked to undo all of it', async () => {
    await bed.run('web', { container: port(8090) });
    const { status, metadata } = await bed.ready('web');
    expect(status.podIP).toMatch(/^10\.77\.0\./);
    expect(leases()).toEqual([status.podIP]);
    expect(await page(bed, `http://${status.podIP}:8080/`)).toBe('hello from a pod\n');
    expect(await page(bed, 'http://127.0.0.1:8090/')).toBe('hello from a pod\n');
    expect(await bed.inPod('web', 'cat /proc/sys/net/core/somaxconn')).toBe('77\n');
    const record = bed.host.path(`data/network/attachments/${metadata.uid}.json`);
    expect((await bed.host.inside(['cat', record])).stdout).toContain('"cniVersion":"1.0.0"');
    await bed.host.must(['delete', 'pod', 'web', '--timeout=20s']);
    await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
    expect(leases()).toEqual([]);
    expect(await page(bed, 'http://127.0.0.1:8090/')).toBe('');
    expect(readdirSync(bed.host.path('data/network/attachments'))).toEqual([]);
  });

  test('what no plugin of the chain takes is refused, not left out', async () => {
    const annotations = { 'kubernetes.io/ingress-bandwidth': '8M' };
    await bed.run('slow', { metadata: { annotations } });
    await eventually('the event that says so', async () => {
      const events = await bed.host.must(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
      return events.includes('no plugin of the CNI network "other" has the capability "bandwidth"');
    });
    expect(leases()).toEqual([]);
  });

  test('an agent that comes back finds what a pod that is gone has left', async () => {
    await bed.run('lost', { container: script('sleep 1000') });
    await bed.ready('lost');
    bed.host.killAgent();
    await bed.host.must(['delete', 'pod', 'lost', '--wait=false']);
    bed.host.startAgent();
    await bed.host.agentReady();
    await eventually('the address to be free', async () => leases().length === 0);
  });
});
