import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** DER in base64, as tokens carry it. */
  readonly der: string;
}

/** A self-signed certificate for 127.0.0.1, by openssl. */
export function selfSigned(): Certificate {
  const dir = mkdtempSync(join(tmpdir(), 'gantry-cert-'));
  try {
    const [certFile, keyFile, configFile] = [join(dir, 'c'), join(dir, 'k'), join(dir, 'conf')];
    writeFileSync(configFile, '[req]\ndistinguished_name=d\n[d]\n');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      keyFile,
    ];
    const args = ['req', '-x509', '-config', configFile, ...key, '-out', certFile, '-days', '2'];
    execFileSync('openssl', [...args, ...subject], { stdio: 'pipe' });
    const cert = readFileSync(certFile, 'utf8');
    const der = cert.replaceAll(/-----[^-]+-----|\s/g, '');
    return { cert, key: readFileSync(keyFile, 'utf8'), der };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
