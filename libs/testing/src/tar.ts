/** One entry of an archive, well-formed or hostile: nothing of it is checked. */
export interface TarEntry {
  readonly name: string;
  /** Default: `file`. */
  readonly type?: keyof typeof typeflags;
  readonly content?: Uint8Array | string;
  /** Target of a symlink or hard link. */
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since the epoch. */
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  /** Records of a PAX header before the entry, e.g. `{'SCHILY.xattr.user.a': 'b'}`. */
  readonly pax?: Readonly<Record<string, string>>;
  /** Claims another size than the content has. */
  readonly claimedSize?: number;
}

const typeflags = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  pax: 'x',
  longName: 'L',
  unknown: 'Z',
} as const;

const blockBytes = 512;
const maxNameBytes = 100;

function padded(bytes: Uint8Array): Buffer {
  const rest = bytes.length % blockBytes;
  return Buffer.concat([bytes, Buffer.alloc(rest === 0 ? 0 : blockBytes - rest)]);
}

function octal(header: Buffer, offset: number, length: number, value: number): void {
  header.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(entry.name, 0, maxNameBytes, 'utf8');
  octal(block, 100, 8, entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644));
  octal(block, 108, 8, entry.uid ?? 0);
  octal(block, 116, 8, entry.gid ?? 0);
  octal(block, 124, 12, entry.claimedSize ?? size);
  octal(block, 136, 12, entry.mtime ?? 0);
  block.write(' '.repeat(8), 148);
  block.write(typeflags[entry.type ?? 'file'], 156);
  block.write(entry.link ?? '', 157, maxNameBytes, 'utf8');
  block.write('ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, entry.major ?? 0);
  octal(block, 337, 8, entry.minor ?? 0);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  // The length counts its own digits.
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function paxHeader(entry: TarEntry): Buffer {
  const records = { ...entry.pax };
  if (Buffer.byteLength(entry.name) > maxNameBytes) records['path'] ??= entry.name;
  if (Buffer.byteLength(entry.link ?? '') > maxNameBytes) records['linkpath'] ??= entry.link!;
  const body = Buffer.concat(Object.entries(records).map(([k, v]) => paxRecord(k, v)));
  if (body.length === 0) return body;
  return Buffer.concat([header({ name: 'pax', type: 'pax' }, body.length), padded(body)]);
}

/** The archive's bytes, with its end mark. Long names get PAX headers. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    return [paxHeader(entry), header(entry, content.length), padded(content)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}
