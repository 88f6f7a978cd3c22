const [varintType, bytesType] = [0, 2];

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/**
 * A protocol buffer in the making (protobuf.dev, "Encoding"), as the pieces that it is put together from. By hand, as
 * what comes back is: a general encoder takes longer for a transaction than etcd does.
 */
export class ProtobufWriter {
  private readonly pieces: Uint8Array[] = [];
  private length = 0;

  number(field: number, value: bigint): this {
    return this.short((field << 3) | varintType).add(varint(value));
  }

  /** A flag; one that is not set is left out. */
  flag(field: number, value: boolean): this {
    return value ? this.number(field, 1n) : this;
  }

  bytes(field: number, value: Uint8Array): this {
    return this.head(field, value.length).add(value);
  }

  /** A string; an empty one is left out. */
  text(field: number, value: string): this {
    return value === '' ? this : this.bytes(field, Buffer.from(value));
  }

  /** A nested message, also when it is empty. */
  message(field: number, { pieces, length }: ProtobufWriter): this {
    this.head(field, length);
    for (const piece of pieces) this.add(piece);
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.concat(this.pieces, this.length);
  }

  private head(field: number, length: number): this {
    const tag = (field << 3) | bytesType;
    if (tag >= 0x80 || length >= 0x4000) return this.short(tag).short(length);
    if (length < 0x80) return this.add(Buffer.of(tag, length));
    return this.add(Buffer.of(tag, (length & 0x7f) | 0x80, length >> 7));
  }

  private short(value: number): this {
    return this.add(value < 0x80 ? Buffer.of(value) : varint(BigInt(value)));
  }

  private add(piece: Uint8Array): this {
    this.pieces.push(piece);
    this.length += piece.length;
    return this;
  }
}
