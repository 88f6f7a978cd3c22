import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@gantry/base';
import { AesGcmTransform } from '@gantry/controller';
import {
  CertificateAuthority,
  covers,
  expiresAt,
  type CertificateRequest,
  type KeyPair,
} from './certificate-authority.js';
import { kubeconfig } from './kubeconfig.js';
import { readOr, readOrCreate, writeAtomically } from './private-files.js';

const dayMs = 86_400_000;
const servingDays = 365;

export interface PkiOptions {
  readonly directory: string;
  readonly advertiseAddress: string;
  readonly tlsSans: readonly string[];
  readonly agentCertificateHours: number;
  readonly clock: Clock;
}

/**
 * The cluster's certificates and keys in one directory: CA, serving certificate, the
 * administrator's client certificate, and the key that seals Secrets. A second control plane gets a
 * copy of it.
 */
export class Pki {
  private servingPair: KeyPair;
  private adminPair: KeyPair;
  private readonly listeners = new Set<() => void>();

  private constructor(
    private readonly options: PkiOptions,
    readonly authority: CertificateAuthority,
    /** How values of Secrets are sealed at rest. */
    readonly sealing: AesGcmTransform,
  ) {}

  /** Reads the directory, or makes what is missing (files 0600). */
  static async open(options: PkiOptions): Promise<Pki> {
    const { directory, clock } = options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const authority = await CertificateAuthority.open(directory, clock);
    const secret = await readOrCreate(join(directory, 'sealing.key'), async () => {
      const key = randomBytes(32).toString('base64');
      return JSON.stringify([{ id: 'key1', secret: key }]);
    });
    const keys = (JSON.parse(secret) as { id: string; secret: string }[]).map((key) => {
      return { id: key.id, secret: Buffer.from(key.secret, 'base64') };
    });
    const [first, ...others] = keys;
    if (!first) throw new Error(`${directory}/sealing.key holds no key`);
    const pki = new Pki(options, authority, new AesGcmTransform([first, ...others]));
    await pki.renew();
    return pki;
  }

  /** CA certificate, PEM. */
  get caPem(): string {
    return this.authority.certificatePem;
  }

  /** Hash of the CA's public key, to be pinned by those who join. */
  get caHash(): string {
    return this.authority.hash;
  }

  /** The CA comes along in the chain, so that those who pin it need nothing else. */
  get serving(): KeyPair {
    const { certificatePem, keyPem } = this.servingPair;
    return { certificatePem: certificatePem + this.caPem, keyPem };
  }

  /** A client certificate with all rights, also for calls to other control planes. */
  get admin(): KeyPair {
    return this.adminPair;
  }

  /** Calls back after certificates of ours were renewed; the returned function ends that. */
  onRenewed(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Renews certificates of ours that have less than a third of their life left. */
  async renew(): Promise<void> {
    const before = this.servingPair;
    this.servingPair = await this.current('server', this.servingRequest());
    this.adminPair = await this.current('admin', {
      commonName: 'kubernetes-admin',
      organizations: ['system:masters'],
      usage: 'client',
      validMs: servingDays * dayMs,
    });
    if (before && before !== this.servingPair) for (const listener of this.listeners) listener();
  }

  /**
   * Signs an agent's certificate request (PEM) for one node. BadRequest when the request is not
   * signed by its own key, or names somebody else.
   */
  signAgent(csrPem: string, nodeName: string): Promise<{ certificatePem: string; notAfter: Date }> {
    const validMs = this.options.agentCertificateHours * 3_600_000;
    return this.authority.signRequest(csrPem, {
      commonName: `system:node:${nodeName}`,
      organizations: ['system:nodes'],
      // Nodes serve layers to each other. Without a name of a host it serves nowhere else.
      usage: 'both',
      validMs,
    });
  }

  /** Writes the administrator's kubeconfig for an API at this address (0600). */
  async writeKubeconfig(path: string, server: string): Promise<void> {
    await writeAtomically(path, kubeconfig({ server, caPem: this.caPem, user: this.adminPair }));
  }

  private servingRequest(): CertificateRequest {
    const { advertiseAddress, tlsSans } = this.options;
    const cluster = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'gantry'];
    const own = ['localhost', '127.0.0.1', '::1', hostname(), advertiseAddress];
    return {
      commonName: 'gantry-control-plane',
      organizations: [],
      usage: 'server',
      names: [...new Set([...own, ...cluster, ...tlsSans])],
      validMs: servingDays * dayMs,
    };
  }

  /** The pair of this name, unless it is missing, of another CA, lacks a name, or ends soon. */
  private async current(name: string, request: CertificateRequest): Promise<KeyPair> {
    const { directory, clock } = this.options;
    const certificateFile = join(directory, `${name}.crt`);
    const keyFile = join(directory, `${name}.key`);
    const certificatePem = await readOr(certificateFile);
    const keyPem = await readOr(keyFile);
    if (certificatePem && keyPem && this.authority.issued(certificatePem)) {
      const leftMs = expiresAt(certificatePem) - clock.now();
      const pair = { certificatePem, keyPem };
      if (leftMs > request.validMs / 3 && covers(certificatePem, request.names ?? [])) {
        return this.knownPair(pair);
      }
    }
    const pair = await this.authority.issue(request);
    await writeAtomically(keyFile, pair.keyPem);
    await writeAtomically(certificateFile, pair.certificatePem);
    return pair;
  }

  /** The same object as before when nothing changed, so that a renewal can be told from none. */
  private knownPair(pair: KeyPair): KeyPair {
    for (const known of [this.servingPair, this.adminPair]) {
      if (known?.certificatePem === pair.certificatePem) return known;
    }
    return pair;
  }
}
