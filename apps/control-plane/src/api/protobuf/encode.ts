import { ProtobufWriter } from '@gantry/base';

/** Writes what a JSON document holds; values that are absent or of another type are left out. */
export class WireWriter extends ProtobufWriter {
  override text(field: number, value: unknown): this {
    return typeof value === 'string' ? super.text(field, value) : this;
  }

  override flag(field: number, value: unknown): this {
    return super.flag(field, value === true);
  }
}
