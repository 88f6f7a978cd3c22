import { createReadStream } from 'node:fs';

const blockBytes = 512;
const largestOctal = 0o77777777777;

/** A member of an archive: bytes, or a file of exactly `size` bytes. */
export interface TarMember {
  readonly name: string;
  readonly size: number;
  readonly content: Uint8Array | { readonly file: string };
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name} is too long for a header`);
  block.write(name, 0);
  // Mode, owner and group.
  block.write(['0000644', '0000000', '0000000', ''].join('\x00'), 100, 'latin1');
  if (size <= largestOctal) block.write(`${size.toString(8).padStart(11, '0')}\x00`, 124, 'latin1');
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  // A time of zero, a blank checksum, a regular file.
  block.write('00000000000\x00        0', 136, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\x00 `, 148, 'latin1');
  return block;
}

/** The archive as a stream of chunks; the same members give the same bytes. */
export async function* writeTar(members: Iterable<TarMember>): AsyncGenerator<Uint8Array> {
  for (const { name, size, content } of members) {
    yield header(name, size);
    if (content instanceof Uint8Array) yield content;
    else if (size > 0)
      yield* createReadStream(content.file, { end: size - 1 }) as AsyncIterable<Buffer>;
    const rest = size % blockBytes;
    if (rest > 0) yield Buffer.alloc(blockBytes - rest);
  }
  yield Buffer.alloc(2 * blockBytes);
}
