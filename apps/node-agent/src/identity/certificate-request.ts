import { sign, type KeyObject } from 'node:crypto';

// Just the DER that a PKCS #10 request with a common name needs (RFC 2986); a library for it would
// cost the agent more memory than all of its pods' state.
function der(tag: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length = body.length;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body]);
  const octets = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | octets.length, ...octets]), body]);
}

const sequence = (...content: Uint8Array[]) => der(0x30, ...content);
const set = (...content: Uint8Array[]) => der(0x31, ...content);
const oid = (...bytes: number[]) => der(0x06, Buffer.from(bytes));
const utf8 = (text: string) => der(0x0c, Buffer.from(text, 'utf8'));

const organization = oid(0x55, 0x04, 0x0a);
const commonName = oid(0x55, 0x04, 0x03);
const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));

/** The names a certificate is asked for. */
export interface Subject {
  readonly commonName: string;
  readonly organization: string;
}

/** A PEM certificate request, signed with an EC P-256 key. */
export function certificateRequest(
  subject: Subject,
  keys: { privateKey: KeyObject; publicKey: KeyObject },
): string {
  const name = sequence(
    set(sequence(organization, utf8(subject.organization))),
    set(sequence(commonName, utf8(subject.commonName))),
  );
  const version = der(0x02, Buffer.from([0]));
  const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' });
  const info = sequence(version, name, publicKey, der(0xa0));
  const signature = sign('sha256', info, keys.privateKey);
  const bits = der(0x03, Buffer.from([0]), signature);
  const body = sequence(info, ecdsaWithSha256, bits).toString('base64');
  const lines = body.match(/.{1,64}/g) ?? [];
  return [
    '-----BEGIN CERTIFICATE REQUEST-----',
    ...lines,
    '-----END CERTIFICATE REQUEST-----',
    '',
  ].join('\n');
}
