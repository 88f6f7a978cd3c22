import { createHash, X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';

/** How long a server may take to show its certificates, in milliseconds. */
const handshakeTimeoutMs = 10_000;

/** `sha256:` and the digest of the public key (SubjectPublicKeyInfo in DER), in hexadecimal. */
export function certificateHash(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

function chain(leaf: DetailedPeerCertificate): X509Certificate[] {
  const certificates: X509Certificate[] = [];
  let at: DetailedPeerCertificate | undefined = leaf;
  while (at?.raw && certificates.length < 8) {
    certificates.push(new X509Certificate(at.raw));
    if (at.issuerCertificate === at) break;
    at = at.issuerCertificate;
  }
  return certificates;
}

function presentedChain(host: string, port: number): Promise<X509Certificate[]> {
  return new Promise((resolve, reject) => {
    // Nothing is trusted or sent on this connection: it only learns which CA the server claims, and
    // that claim counts only if its hash is the pinned one.
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] }, () => {
      resolve(chain(socket.getPeerCertificate(true)));
      socket.destroy();
    });
    socket.setTimeout(handshakeTimeoutMs, () => {
      socket.destroy(new Error(`no TLS handshake within ${handshakeTimeoutMs} ms`));
    });
    socket.once('error', reject);
  });
}

/** The PEM of the CA with the pinned hash, as the server at HOST:PORT presents it. */
export async function fetchPinnedCa(server: string, caHash: string): Promise<string> {
  const at = server.lastIndexOf(':');
  const host = server.slice(0, at).replace(/^\[|\]$/g, '');
  const certificates = await presentedChain(host, Number(server.slice(at + 1)));
  const pinned = certificates.find((one) => one.ca && certificateHash(one) === caHash);
  if (pinned) return pinned.toString();
  const shown = certificates.filter((one) => one.ca).map(certificateHash);
  throw new PinMismatchError(
    `${server} does not belong to the cluster with CA ${caHash}` +
      ` (it shows ${shown.join(', ') || 'no CA'}); check --server and --ca-hash`,
  );
}

/** The server is not the cluster that was asked for; trying again will not help. */
export class PinMismatchError extends Error {}
