import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeCommonName } from '@gantry/agent-protocol';

/** What the node proves itself with, all PEM. */
export interface Identity {
  readonly keyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
}

// In the order in which a renewal puts them in place.
const fileNames = { keyPem: 'node.key', certificatePem: 'node.crt', caPem: 'ca.crt' } as const;

const fresh = (path: string) => `${path}.new`;

async function writeSynced(path: string, text: string): Promise<void> {
  // What an earlier crash left behind may have other permissions, and `open` would keep them.
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readOr(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

function isPair(keyPem: string, certificatePem: string): boolean {
  return new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(keyPem));
}

/** The identity on disk, under `dir` (0700, files 0600). Key and certificate are checked as a pair. */
export class IdentityStore {
  constructor(private readonly dir: string) {}

  /** Undefined when there is none; throws when a file is not PEM. */
  async load(): Promise<Identity | undefined> {
    const paths = Object.values(fileNames).map((name) => join(this.dir, name));
    const [keyPem, certificatePem, caPem] = await Promise.all(paths.map(readOr));
    if (!keyPem) return undefined;
    if (certificatePem && caPem && isPair(keyPem, certificatePem)) {
      return { keyPem, certificatePem, caPem };
    }
    return this.finishSave(keyPem);
  }

  /** Whole once this resolves; a crash at any point leaves the old identity or the new one. */
  async save(identity: Identity): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 });
    for (const [part, name] of Object.entries(fileNames)) {
      await writeSynced(fresh(join(this.dir, name)), identity[part as keyof Identity]);
    }
    await syncDirectory(this.dir);
    for (const name of Object.values(fileNames)) {
      await rename(fresh(join(this.dir, name)), join(this.dir, name));
    }
    await syncDirectory(this.dir);
  }

  /** A crash came between the renames: the key is the new one, what belongs to it still waits. */
  private async finishSave(keyPem: string): Promise<Identity | undefined> {
    const newest = async (name: string) => {
      const path = join(this.dir, name);
      return (await readOr(fresh(path))) ?? readOr(path);
    };
    const certificatePem = await newest(fileNames.certificatePem);
    const caPem = await newest(fileNames.caPem);
    if (!certificatePem || !caPem || !isPair(keyPem, certificatePem)) return undefined;
    await this.save({ keyPem, certificatePem, caPem });
    return { keyPem, certificatePem, caPem };
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
