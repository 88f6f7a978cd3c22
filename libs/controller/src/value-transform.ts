import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Changes values on their way to and from the store; `key` is where the value lies. */
export interface ValueTransform {
  seal(key: string, plain: Uint8Array): Uint8Array;
  /** Throws when the value was not sealed for this key, or was changed. */
  open(key: string, stored: Uint8Array): Uint8Array;
}

export interface SealingKey {
  /** Names the key in what it sealed; letters, digits, dots and dashes. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

const magic = 'gantry:aes256gcm:';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM (NIST SP 800-38D) with a random nonce per value, bound to the value's place in the
 * store. Seals with the first key, opens with any, and lets values pass that were never sealed.
 */
export class AesGcmTransform implements ValueTransform {
  private readonly byId: ReadonlyMap<string, SealingKey>;

  constructor(private readonly keys: readonly [SealingKey, ...SealingKey[]]) {
    for (const { id, secret } of keys) {
      if (secret.length !== 32) throw new Error(`sealing key ${id} has not 32 bytes`);
      if (!/^[\w.-]+$/.test(id)) throw new Error('a sealing key has no proper id');
    }
    this.byId = new Map(keys.map((key) => [key.id, key]));
  }

  seal(key: string, plain: Uint8Array): Uint8Array {
    const { id, secret } = this.keys[0];
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(key));
    const head = Buffer.from(`${magic}${id}:`);
    const body = [cipher.update(plain), cipher.final()];
    return Buffer.concat([head, nonce, ...body, cipher.getAuthTag()]);
  }

  open(key: string, stored: Uint8Array): Uint8Array {
    const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
    if (!bytes.subarray(0, magic.length).equals(Buffer.from(magic))) return stored;
    const end = bytes.indexOf(':', magic.length);
    const id = bytes.toString('latin1', magic.length, end);
    const sealing = this.byId.get(id);
    if (!sealing) throw new Error(`open ${key}: it was sealed with key "${id}", which is not here`);
    const nonce = bytes.subarray(end + 1, end + 1 + nonceBytes);
    const body = bytes.subarray(end + 1 + nonceBytes, bytes.length - tagBytes);
    try {
      const decipher = createDecipheriv('aes-256-gcm', sealing.secret, nonce)
        .setAAD(Buffer.from(key))
        .setAuthTag(bytes.subarray(bytes.length - tagBytes));
      return Buffer.concat([decipher.update(body), decipher.final()]);
    } catch (error) {
      throw new Error(`open ${key}: the stored value is damaged or not its own`, { cause: error });
    }
  }
}
