/** Writes protobuf's wire format; strings, flags and messages are all that is needed. */
export class WireWriter {
  private readonly chunks: Uint8Array[] = [];

  /** A string field; empty and absent ones are left out. */
  text(number: number, value: unknown): this {
    return typeof value === 'string' && value !== ''
      ? this.bytes(number, Buffer.from(value))
      : this;
  }

  flag(number: number, value: unknown): this {
    if (value === true) this.chunks.push(varint(number << 3), varint(1));
    return this;
  }

  /** A nested message, also when it is empty. */
  message(number: number, content: WireWriter): this {
    return this.bytes(number, content.finish());
  }

  bytes(number: number, value: Uint8Array): this {
    this.chunks.push(varint((number << 3) | 2), varint(value.length), value);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
