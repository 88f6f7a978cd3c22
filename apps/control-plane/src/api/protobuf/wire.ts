/** One field as it lies on the wire: a varint or fixed number, or the bytes of anything longer. */
export type WireValue = bigint | Uint8Array;

export interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

const truncated = () => new RangeError('the message ends in the middle of a field');

/** Reads protobuf's wire format; RangeError for anything that is not. */
export class WireReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The next field; undefined at the end. */
  next(): WireField | undefined {
    if (this.at >= this.bytes.length) return undefined;
    const tag = Number(this.varint());
    return { number: tag >>> 3, value: this.value(tag & 7) };
  }

  private value(wireType: number): WireValue {
    switch (wireType) {
      case 0:
        return this.varint();
      case 1:
        return this.fixed(8);
      case 2:
        return this.take(Number(this.varint()));
      case 5:
        return this.fixed(4);
      default:
        throw new RangeError(`wire type ${wireType} is not known`);
    }
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw truncated();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a varint is longer than ten bytes');
  }

  private fixed(length: number): bigint {
    return this.take(length).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  private take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw truncated();
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }
}
