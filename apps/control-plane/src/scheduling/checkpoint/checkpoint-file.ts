import { open, readFile, rename, rm } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { DeviceHoldings, PodInput } from '@gantry/scheduler';

const version = 1;
const [uidBytes, recordBytes, sumBytes] = [36, 44, 4];
const newline = 0x0a;

/** What is said about all pods together, as one line of JSON. */
export interface CheckpointHeader {
  /** Of this checkpoint among all. */
  readonly id: string;
  /** Every change up to this revision of the store is in it, and perhaps some that are later. */
  readonly revision: string;
  /** Names, which the records give by their numbers. */
  readonly nodes: readonly string[];
  /** One pod for each class, likewise. */
  readonly classes: readonly Pick<PodInput, 'metadata' | 'spec'>[];
  /** By the numbers of their records: the devices that pods hold. */
  readonly devices: readonly (readonly [number, DeviceHoldings])[];
  /** `NAMESPACE/NAME` of those that have no record and are to be read from the store: pods that wait. */
  readonly unrecorded: readonly string[];
}

/** Where one pod is. */
export interface PlacedRecord {
  readonly uid: string;
  readonly node: string;
  /** Number of its class. */
  readonly podClass: number;
  readonly devices: DeviceHoldings | undefined;
}

/** The places of pods, 44 bytes each: the uid as text, the numbers of the class and the node. */
export class PlacedRecords {
  private bytes: Buffer;
  private count = 0;

  constructor(expected: number) {
    this.bytes = Buffer.allocUnsafe(Math.max(1, expected) * recordBytes);
  }

  get size(): number {
    return this.count;
  }

  /** False for a uid that is none as the API gives it. */
  add(uid: string, podClass: number, node: number): boolean {
    if (this.count * recordBytes === this.bytes.length) this.grow();
    const at = this.count * recordBytes;
    if (uid.length !== uidBytes || this.bytes.write(uid, at, 'utf8') !== uidBytes) return false;
    this.bytes.writeUInt32LE(podClass, at + uidBytes);
    this.bytes.writeUInt32LE(node, at + uidBytes + 4);
    this.count += 1;
    return true;
  }

  get written(): Buffer {
    return this.bytes.subarray(0, this.count * recordBytes);
  }

  private grow(): void {
    this.bytes = Buffer.concat([this.bytes, Buffer.allocUnsafe(this.bytes.length)]);
  }
}

/** Replaces the file in one step; only its owner may read it. */
export async function writeCheckpoint(
  file: string,
  header: CheckpointHeader,
  records: PlacedRecords,
): Promise<void> {
  const line = Buffer.from(`${JSON.stringify({ version, ...header })}\n`);
  const sum = Buffer.alloc(sumBytes);
  sum.writeUInt32LE(crc32(records.written, crc32(line)));
  const made = `${file}.new`;
  await rm(made, { force: true });
  const handle = await open(made, 'wx', 0o600);
  try {
    for (const part of [line, records.written, sum]) await handle.writeFile(part);
  } finally {
    await handle.close();
  }
  await rename(made, file);
}

/** What `writeCheckpoint` wrote, once it is known to be whole. */
export class Checkpoint {
  private readonly devices: ReadonlyMap<number, DeviceHoldings>;

  private constructor(
    readonly header: CheckpointHeader,
    private readonly records: Buffer,
  ) {
    this.devices = new Map(header.devices);
  }

  /** Undefined where there is no file; throws for one that is not whole or of another version. */
  static async read(file: string): Promise<Checkpoint | undefined> {
    const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!bytes) return undefined;
    const end = bytes.length - sumBytes;
    if (end < 0 || crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end)) {
      throw new Error(`${file} is not whole`);
    }
    const start = bytes.indexOf(newline) + 1;
    const { version: written, ...header } = JSON.parse(bytes.toString('utf8', 0, start));
    if (written !== version) throw new Error(`${file} has version ${written}, not ${version}`);
    return new Checkpoint(header as CheckpointHeader, bytes.subarray(start, end));
  }

  get size(): number {
    return this.records.length / recordBytes;
  }

  *placed(): Generator<PlacedRecord> {
    const { records, header, devices } = this;
    for (let i = 0, at = 0; i < this.size; i += 1, at += recordBytes) {
      yield {
        uid: records.toString('latin1', at, at + uidBytes),
        podClass: records.readUInt32LE(at + uidBytes),
        node: header.nodes[records.readUInt32LE(at + uidBytes + 4)]!,
        devices: devices.get(i),
      };
    }
  }
}
