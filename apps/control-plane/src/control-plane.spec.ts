import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localCluster } from './commands/api-call.js';
import { testConfig } from './config.js';
import { startControlPlane, type ControlPlane } from './control-plane.js';

let directory: string;
let plane: ControlPlane;

interface Answer {
  readonly status: number;
  readonly body: string;
}

function get(
  path: string,
  options: { certificate?: boolean; token?: string } = {},
): Promise<Answer> {
  const { certificatePem, keyPem } = plane.pki.admin;
  const identity = options.certificate ? { cert: certificatePem, key: keyPem } : {};
  const agent = new Agent({ ca: plane.pki.caPem, ...identity, keepAlive: false });
  const headers = options.token ? { authorization: `Bearer ${options.token}` } : {};
  return new Promise((resolve, reject) => {
    const call = request(`${plane.apiUrl}${path}`, { agent, headers }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    call.on('error', reject).end();
  });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-control-plane-'));
  plane = await startControlPlane(testConfig(directory));
});

afterAll(async () => {
  await plane?.close();
  await rm(directory, { recursive: true, force: true });
});

describe('startControlPlane', () => {
  it('answers the probes to everyone', async () => {
    for (const path of ['/livez', '/readyz', '/healthz']) {
      expect(await get(path)).toEqual({ status: 200, body: 'ok' });
    }
    expect((await get('/readyz?verbose')).body).toContain('[+]store ok');
  });

  it('serves metrics to the machine itself', async () => {
    const { status, body } = await get('/metrics');
    expect(status).toBe(200);
    expect(body).toContain('process_resident_memory_bytes');
    await expect.poll(async () => (await get('/metrics')).body).toContain('gantry_leader 1');
  });

  it('answers what it does not know with a Status', async () => {
    const { status, body } = await get('/nothing', { certificate: true });
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ kind: 'Status', reason: 'NotFound', code: 404 });
  });

  it('writes a kubeconfig that only its owner can read', async () => {
    const mode = (await stat(plane.kubeconfig)).mode & 0o777;
    expect(mode).toBe(0o600);
    const config = JSON.parse(await readFile(plane.kubeconfig, 'utf8'));
    expect(config.clusters[0].cluster.server).toBe(`https://127.0.0.1:${plane.apiPort}`);
  });

  it('comes to lead', async () => {
    await expect.poll(() => plane.leader.leading).toBe(true);
    expect(plane.leader.fence).toMatchObject({ key: 'leader/control-plane' });
  });

  it('says which port is taken and what to do', async () => {
    const other = join(directory, 'other');
    const { apiPort, gatewayPort } = plane;
    const sameApi = startControlPlane(testConfig(other, { apiPort }));
    await expect(sameApi).rejects.toThrow(
      `listen on port ${apiPort}: another program listens there; choose another with --api-port`,
    );
    const sameGateway = startControlPlane(testConfig(other, { gatewayPort }));
    await expect(sameGateway).rejects.toThrow('choose another with --gateway-port');
  });

  it('gives every new join token a secret, once', async () => {
    const cluster = await localCluster(directory);
    const metadata = { name: 'first' };
    const made = await cluster.post('/apis/gantry.dev/v1/jointokens', { metadata, spec: {} });
    const { status } = made as { status?: { token?: string } };
    expect(status?.token).toMatch(/^first\.[\w-]{32}$/);
    const { body } = await get('/apis/gantry.dev/v1/jointokens/first', { certificate: true });
    expect(body).not.toContain(status?.token?.split('.')[1]);
  });

  it('seals Secrets at rest', async () => {
    const secret = { metadata: { name: 's' }, stringData: { password: 'hunter2' } };
    const cluster = await localCluster(directory);
    await cluster.post('/api/v1/namespaces/default/secrets', secret);
    const stored = await plane.store.get('registry/core/secrets/default/s');
    const text = Buffer.from(stored?.value ?? []).toString('latin1');
    expect(text).toMatch(/^gantry:aes256gcm:/);
    const { body } = await get('/api/v1/namespaces/default/secrets/s', { certificate: true });
    const { data } = JSON.parse(body) as { data: { password: string } };
    expect(Buffer.from(data.password, 'base64').toString()).toBe('hunter2');
  });

  it('ends watches when it stops, and stops soon', async () => {
    const other = await startControlPlane(testConfig(join(directory, 'stopping')));
    const { certificatePem: cert, keyPem: key } = other.pki.admin;
    const options = { ca: other.pki.caPem, cert, key };
    const ended = new Promise<void>((resolve, reject) => {
      const call = request(`${other.apiUrl}/api/v1/namespaces?watch=true`, options, (response) => {
        response.once('data', () => void other.close());
        response.on('close', () => resolve());
      });
      call.on('error', reject).end();
    });
    const startedAt = performance.now();
    await ended;
    await other.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});
