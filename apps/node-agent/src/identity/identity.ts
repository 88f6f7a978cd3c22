import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeCommonName } from '@gantry/agent-protocol';

/** What the node proves itself with, all PEM. */
export interface Identity {
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
}

const fileNames = { keyPem: 'node.key', certificatePem: 'node.crt', caPem: 'ca.crt' } as const;

async function writeSynced(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** The identity on disk, under `dir` (0700, files 0600). Key and certificate are checked as a pair. */
export class IdentityStore {
  constructor(private readonly dir: string) {}

  /** Undefined when there is none; throws with the next step when it is unusable. */
  async load(): Promise<Identity | undefined> {
    let identity: Identity;
    try {
      const [keyPem, certificatePem, caPem] = await Promise.all(
        Object.values(fileNames).map((name) => readFile(join(this.dir, name), 'utf8')),
      );
      identity = { keyPem: keyPem!, certificatePem: certificatePem!, caPem: caPem! };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const certificate = new X509Certificate(identity.certificatePem);
    // A crash between two renames leaves a key with its predecessor's certificate.
    if (!certificate.checkPrivateKey(createPrivateKey(identity.keyPem))) return undefined;
    return identity;
  }

  async save(identity: Identity): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    for (const [part, name] of Object.entries(fileNames)) {
      await writeSynced(join(this.dir, name), identity[part as keyof Identity]);
    }
  }
}

/** Why an identity cannot be used for this node at this time, or undefined. */
export function identityFault(
  identity: Identity,
  nodeName: string,
  now: number,
): string | undefined {
  const certificate = new X509Certificate(identity.certificatePem);
  const names = certificate.subject.split('\n');
  if (!names.includes(`CN=${nodeCommonName(nodeName)}`)) {
    const subject = names.join(', ');
    return `the certificate on disk is for "${subject}", not for node "${nodeName}"`;
  }
  if (certificate.validToDate.getTime() <= now) {
    return `the node's certificate expired on ${certificate.validTo}`;
  }
  return undefined;
}

/** When to renew: after two thirds of the certificate's life, in milliseconds since the epoch. */
export function renewalTime(identity: Identity): number {
  const certificate = new X509Certificate(identity.certificatePem);
  const from = certificate.validFromDate.getTime();
  return from + ((certificate.validToDate.getTime() - from) * 2) / 3;
}
