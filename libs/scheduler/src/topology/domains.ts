/** A node without the label belongs to no domain of that key. */
export const noDomain = -1;

/** One topology key with its domains, numbered in the order in which their values appeared. */
export class Domains {
  readonly values: string[] = [];
  /** Domain by node slot, or `noDomain`. */
  domainOf: Int32Array;
  private readonly ids = new Map<string, number>();

  constructor(
    readonly key: string,
    capacity: number,
  ) {
    this.domainOf = new Int32Array(capacity).fill(noDomain);
  }

  grow(capacity: number): void {
    const larger = new Int32Array(capacity).fill(noDomain);
    larger.set(this.domainOf);
    this.domainOf = larger;
  }

  assign(slot: number, value: string | undefined): void {
    this.domainOf[slot] = value === undefined ? noDomain : this.id(value);
  }

  private id(value: string): number {
    const known = this.ids.get(value);
    if (known !== undefined) return known;
    this.ids.set(value, this.values.length);
    return this.values.push(value) - 1;
  }
}
