import 'reflect-metadata';
import { createHash, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { badRequest, type Clock } from '@gantry/base';
import { readOrCreate } from './private-files.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const caValidMs = 10 * 365 * 86_400_000;

/** Clocks of machines that join may be this far behind, in milliseconds. */
const clockSkewMs = 5 * 60_000;

const maxCsrBytes = 16 * 1024;

const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
const purposes = {
  client: [clientAuth],
  server: [serverAuth],
  both: [clientAuth, serverAuth],
};

export interface KeyPair {
  /** PEM. */
  readonly certificatePem: string;
  /** PKCS #8, PEM. */
  readonly keyPem: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly usage: 'client' | 'server' | 'both';
  /** Host names and addresses (subjectAltName). */
  readonly names?: readonly string[];
  readonly validMs: number;
}

/** The cluster's CA (ECDSA P-256): issues our certificates and signs the requests of agents. */
export class CertificateAuthority {
  private constructor(
    private readonly certificate: x509.X509Certificate,
    private readonly key: webcrypto.CryptoKey,
    readonly certificatePem: string,
    private readonly clock: Clock,
  ) {}

  /** Reads `ca.pem` (key and certificate, 0600) or makes it, valid for ten years. */
  static async open(directory: string, clock: Clock): Promise<CertificateAuthority> {
    const path = join(directory, 'ca.pem');
    // Key and certificate are one file, so that a crash cannot leave a pair that does not fit.
    const text = await readOrCreate(path, () => createAuthority(clock));
    const certificatePem = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/.exec(text);
    const keyPem = /-----BEGIN PRIVATE KEY-----[^]*?-----END PRIVATE KEY-----/.exec(text);
    if (!certificatePem || !keyPem) throw new Error(`${path} holds no certificate and private key`);
    const key = await importKey(keyPem[0]);
    const certificate = new x509.X509Certificate(certificatePem[0]);
    return new CertificateAuthority(certificate, key, `${certificatePem[0]}\n`, clock);
  }

  /** `sha256:` and the hash of the public key (SubjectPublicKeyInfo in DER), to be pinned. */
  get hash(): string {
    const { publicKey } = new X509Certificate(this.certificatePem);
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
  }

  /** Whether this CA has signed the certificate. */
  issued(certificatePem: string): boolean {
    const authority = new X509Certificate(this.certificatePem);
    return new X509Certificate(certificatePem).verify(authority.publicKey);
  }

  /** A new key with a certificate. */
  async issue(request: CertificateRequest): Promise<KeyPair> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await this.certify(keys.publicKey, request);
    return { certificatePem: `${certificate.toString('pem')}\n`, keyPem: await exportKey(keys) };
  }

  /**
   * Signs the public key of a request. BadRequest when it is malformed, not signed by its own key,
   * or names a subject other than the one it is signed for.
   */
  async signRequest(
    csrPem: string,
    request: CertificateRequest,
  ): Promise<{ certificatePem: string; notAfter: Date }> {
    const csr = await readRequest(csrPem);
    const [commonName] = csr.subjectName.getField('CN');
    if (commonName !== request.commonName) {
      throw badRequest(`the certificate request is for "${commonName}", not ${request.commonName}`);
    }
    const publicKey = await csr.publicKey.export();
    const certificate = await this.certify(publicKey, request);
    const { notAfter } = certificate;
    return { certificatePem: `${certificate.toString('pem')}\n`, notAfter };
  }

  private certify(
    publicKey: webcrypto.CryptoKey,
    request: CertificateRequest,
  ): Promise<x509.X509Certificate> {
    const { usage, names = [] } = request;
    const now = this.clock.now();
    const extensions: x509.Extension[] = [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(purposes[usage]),
    ];
    if (names.length > 0)
      extensions.push(new x509.SubjectAlternativeNameExtension(names.map(toName)));
    return x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: subject(request.commonName, request.organizations),
      issuer: this.certificate.subject,
      notBefore: new Date(now - clockSkewMs),
      notAfter: new Date(now + request.validMs),
      publicKey,
      signingKey: this.key,
      signingAlgorithm: algorithm,
      extensions,
    });
  }
}

/** When a certificate ends, in milliseconds since the epoch. */
export function expiresAt(certificatePem: string): number {
  return new X509Certificate(certificatePem).validToDate.getTime();
}

/** Whether a certificate is good for all these names and addresses. */
export function covers(certificatePem: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(certificatePem);
  return names.every((name) =>
    isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name),
  );
}

async function createAuthority(clock: Clock): Promise<string> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: subject('gantry-ca', []),
    notBefore: new Date(clock.now() - clockSkewMs),
    notAfter: new Date(clock.now() + caValidMs),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  });
  return `${await exportKey(keys)}${certificate.toString('pem')}\n`;
}

async function readRequest(csrPem: string): Promise<x509.Pkcs10CertificateRequest> {
  if (csrPem.length > maxCsrBytes) throw badRequest('the certificate request is too large');
  let csr: x509.Pkcs10CertificateRequest;
  try {
    csr = new x509.Pkcs10CertificateRequest(csrPem);
  } catch (error) {
    throw badRequest('the certificate request is not PKCS #10 in PEM', { cause: error });
  }
  const signed = await csr.verify().catch(() => false);
  if (!signed) throw badRequest('the certificate request is not signed by its own key');
  return csr;
}

function subject(commonName: string, organizations: readonly string[]): x509.JsonName {
  const fields = organizations.map((organization) => ({ O: [organization] }));
  return [...fields, { CN: [commonName] }];
}

function toName(name: string): x509.JsonGeneralName {
  return { type: isIP(name) ? 'ip' : 'dns', value: name };
}

function serialNumber(): string {
  const bytes = randomBytes(16);
  // A positive integer: the first bit is the sign.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return `${x509.PemConverter.encode(bytes, 'PRIVATE KEY')}\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [bytes] = x509.PemConverter.decode(pem);
  if (!bytes) throw new Error('the CA key is not PEM');
  return webcrypto.subtle.importKey('pkcs8', bytes, algorithm, false, ['sign']);
}
