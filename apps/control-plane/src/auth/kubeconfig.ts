import type { KeyPair } from './certificate-authority.js';

const base64 = (pem: string) => Buffer.from(pem).toString('base64');

/** A kubeconfig (as JSON, which is YAML) with one cluster, one user and one context. */
export function kubeconfig(options: {
  readonly server: string;
  readonly caPem: string;
  readonly user: KeyPair;
}): string {
  const { server, caPem, user } = options;
  const name = 'gantry';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(caPem) } }],
    users: [
      {
        name: 'kubernetes-admin',
        user: {
          'client-certificate-data': base64(user.certificatePem),
          'client-key-data': base64(user.keyPem),
        },
      },
    ],
    contexts: [
      { name, context: { cluster: name, user: 'kubernetes-admin', namespace: 'default' } },
    ],
    'current-context': name,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
