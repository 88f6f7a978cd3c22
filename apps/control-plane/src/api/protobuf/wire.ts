import { ProtobufReader } from '@gantry/base';

/** One field as it lies on the wire: a varint or fixed number, or the bytes of anything longer. */
export type WireValue = bigint | Uint8Array;

export interface WireField {
  readonly number: number;
  readonly value: WireValue;
}

/** Reads a message field by field, whatever it declares; RangeError for bytes that are no message. */
export class WireReader {
  private readonly reader: ProtobufReader;

  constructor(bytes: Uint8Array) {
    this.reader = new ProtobufReader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** The next field; undefined at the end. */
  next(): WireField | undefined {
    const tag = this.reader.tag();
    return tag < 0 ? undefined : { number: tag >>> 3, value: this.value(tag & 7) };
  }

  private value(wireType: number): WireValue {
    switch (wireType) {
      case 0:
        return this.reader.int64();
      case 1:
        return this.reader.fixed64();
      case 2:
        return this.reader.blob();
      case 5:
        return BigInt(this.reader.fixed32());
      default:
        throw new RangeError(`wire type ${wireType} is not known`);
    }
  }
}
