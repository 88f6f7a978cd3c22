import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { badRequest, unavailable } from '@gantry/base';

interface Kubeconfig {
  readonly clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  readonly users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

/** What the commands know of a control plane from its data directory. */
export interface LocalCluster {
  readonly server: string;
  readonly caPem: string;
  post(path: string, body: object): Promise<Record<string, never>>;
}

const decoded = (text: string) => Buffer.from(text, 'base64');

/** Reads the administrator's kubeconfig of a data directory; BadRequest when there is none. */
export async function localCluster(dataDir: string): Promise<LocalCluster> {
  const path = join(dataDir, 'admin.kubeconfig');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const why = (error as Error).message;
    throw badRequest(`${why}; start the control plane first, or name its --data-dir`);
  }
  const { clusters, users } = JSON.parse(text) as Kubeconfig;
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster;
  const { user } = users[0];
  const identity = {
    ca: decoded(ca),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
  };
  const post = (path: string, body: object) => call(`${server}${path}`, identity, body);
  return { server, caPem: identity.ca.toString(), post };
}

function call(
  url: string,
  identity: { ca: Buffer; cert: Buffer; key: Buffer },
  body: object,
): Promise<Record<string, never>> {
  const headers = { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ...identity, method: 'POST', headers, timeout: 10_000 });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 10 s')));
    outgoing.on('error', (error) => reject(unavailable(`call ${url}: ${error.message}`)));
    outgoing.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const answer = JSON.parse(text) as Record<string, never> & { message?: string };
        if (response.statusCode === 201) resolve(answer);
        else reject(unavailable(`call ${url}: ${answer.message ?? response.statusCode}`));
      });
    });
    outgoing.end(JSON.stringify(body));
  });
}
