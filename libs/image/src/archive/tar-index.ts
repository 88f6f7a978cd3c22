import { type FileHandle, open } from 'node:fs/promises';
import { posix } from 'node:path';
import { ImageError } from '../errors.js';
import type { FileRange } from '../pull/blob-source.js';

const blockBytes = 512;
/** Most members of an image archive, and bytes of a long name. */
const maxMembers = 100_000;
const maxNameBytes = 64 << 10;
const maxLinks = 8;

type Member = FileRange | { readonly link: string };

/** Where the members of a tar archive lie in its file, so that none has to be unpacked to be read. */
export class TarIndex {
  private constructor(
    readonly path: string,
    private readonly members: ReadonlyMap<string, Member>,
  ) {}

  /** Throws ImageError `invalid-manifest` when the file is no tar archive. */
  static async read(path: string): Promise<TarIndex> {
    const file = await open(path, 'r');
    try {
      return new TarIndex(path, await scan(path, file));
    } finally {
      await file.close();
    }
  }

  /** The member, through links within the archive; undefined when it is not there. */
  find(name: string): FileRange | undefined {
    let at = posix.normalize(name);
    for (let links = 0; links < maxLinks; links += 1) {
      const member = this.members.get(at);
      if (!member || 'path' in member) return member;
      at = posix.join(posix.dirname(at), member.link);
    }
    return undefined;
  }

  /** A small member whole. */
  async bytes(name: string, maxBytes: number): Promise<Buffer | undefined> {
    const range = this.find(name);
    if (!range) return undefined;
    if (range.size > maxBytes) throw notAnArchive(this.path, `${name} is too large`);
    const file = await open(this.path, 'r');
    try {
      return await readAt(file, range.start, range.size);
    } finally {
      await file.close();
    }
  }
}

function notAnArchive(path: string, why: string): ImageError {
  return new ImageError('invalid-manifest', `${path} is no image archive: ${why}`);
}

async function readAt(file: FileHandle, position: number, size: number): Promise<Buffer> {
  const buffer = Buffer.alloc(size);
  const { bytesRead } = await file.read(buffer, 0, size, position);
  return buffer.subarray(0, bytesRead);
}

async function scan(path: string, file: FileHandle): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const { size: total } = await file.stat();
  let position = 0;
  let longName: string | undefined;
  while (position + blockBytes <= total) {
    const block = await readAt(file, position, blockBytes);
    if (block.every((byte) => byte === 0)) break;
    checkSum(path, block);
    const size = octal(path, block.subarray(124, 136));
    const start = position + blockBytes;
    if (start + size > total) throw notAnArchive(path, 'it is cut short');
    const type = String.fromCharCode(block[156] || 0x30);
    if (type === 'L' || type === 'x') {
      if (size > maxNameBytes) throw notAnArchive(path, 'a name is too long');
      longName = nameIn(type, await readAt(file, start, size)) ?? longName;
    } else if (type !== 'g') {
      const name = posix.normalize(longName ?? plainName(block));
      if (type === '0') members.set(name, { path, start, size });
      if (type === '2') members.set(name, { link: text(block.subarray(157, 257)) });
      longName = undefined;
      if (members.size > maxMembers) throw notAnArchive(path, 'it has too many members');
    }
    position = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  return members;
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return Buffer.from(field.subarray(0, end < 0 ? undefined : end)).toString('utf8');
}

function plainName(block: Buffer): string {
  const prefix =
    block.toString('latin1', 257, 263) === 'ustar\0' ? text(block.subarray(345, 500)) : '';
  const name = text(block.subarray(0, 100));
  return prefix ? `${prefix}/${name}` : name;
}

function nameIn(type: 'L' | 'x', body: Buffer): string | undefined {
  if (type === 'L') return text(body);
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(body.toString('utf8'))?.[1];
}

function octal(path: string, field: Buffer): number {
  if (field[0]! & 0x80) {
    const value = field.readBigUInt64BE(4);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw notAnArchive(path, 'a size is out of range');
    return Number(value);
  }
  const digits = text(field).trim();
  if (!/^[0-7]*$/.test(digits)) throw notAnArchive(path, 'a size is no number');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

function checkSum(path: string, block: Buffer): void {
  const stored = Number.parseInt(text(block.subarray(148, 156)).trim(), 8);
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (sum !== stored) throw notAnArchive(path, 'a header has a wrong checksum');
}
