/** Numbers up to here are exact and cheap; larger ones take the long way. */
const exactBytes = 7;
const maxVarintBytes = 10;

/**
 * Reads protocol buffers as they are on the wire (protobuf.dev, "Encoding"); RangeError for bytes that are no such
 * message. By hand, since lists and watches are most of what a store sends: what a general decoder makes of 64-bit
 * numbers costs more than all the rest.
 */
export class ProtobufReader {
  constructor(
    private readonly bytes: Buffer,
    private at = 0,
    private readonly end = bytes.length,
  ) {}

  /** The next field's number and, in its lowest three bits, its wire type; -1 at the end. */
  tag(): number {
    return this.at >= this.end ? -1 : this.number();
  }

  number(): number {
    const value = this.shortNumber();
    return value < 0 ? Number(this.longInt64()) : value;
  }

  /** A signed 64-bit number. */
  int64(): bigint {
    const value = this.shortNumber();
    return value < 0 ? this.longInt64() : BigInt(value);
  }

  /** The eight bytes of a fixed64 or a double. */
  fixed64(): bigint {
    return this.bytes.readBigUInt64LE(this.advance(8));
  }

  fixed32(): number {
    return this.bytes.readUInt32LE(this.advance(4));
  }

  blob(): Buffer {
    const from = this.extent();
    return this.bytes.subarray(from, this.at);
  }

  text(): string {
    const from = this.extent();
    return this.bytes.toString('utf8', from, this.at);
  }

  message(): ProtobufReader {
    const from = this.extent();
    return new ProtobufReader(this.bytes, from, this.at);
  }

  /** Passes over a field of this wire type. */
  skip(type: number): void {
    if (type === 0) this.int64();
    else if (type === 2) this.extent();
    else if (type === 1 || type === 5) this.advance(type === 1 ? 8 : 4);
    else throw new RangeError(`wire type ${type} is not known`);
  }

  /** -1, and nothing is read, when it is not short. */
  private shortNumber(): number {
    let value = 0;
    let scale = 1;
    for (let i = this.at; i < this.end && i < this.at + exactBytes; i += 1) {
      const byte = this.bytes[i]!;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte > 0x7f) continue;
      this.at = i + 1;
      return value;
    }
    return -1;
  }

  private longInt64(): bigint {
    let value = 0n;
    for (let i = 0; i < maxVarintBytes && this.at + i < this.end; i += 1) {
      const byte = this.bytes[this.at + i]!;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte > 0x7f) continue;
      this.at += i + 1;
      return BigInt.asIntN(64, value);
    }
    throw new RangeError('a number has no end');
  }

  /** Where a field of a length begins; what comes next lies behind it. */
  private extent(): number {
    return this.advance(this.number());
  }

  private advance(length: number): number {
    const from = this.at;
    if (length < 0 || from + length > this.end) {
      throw new RangeError('a field is longer than its message');
    }
    this.at = from + length;
    return from;
  }
}

/** Hands each field's number to `take`, which returns false for what it does not read. */
export function eachField(reader: ProtobufReader, take: (field: number) => boolean): void {
  for (let tag = reader.tag(); tag >= 0; tag = reader.tag()) {
    if (!take(tag >>> 3)) reader.skip(tag & 7);
  }
}
