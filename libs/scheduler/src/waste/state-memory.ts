import type { Residue } from './expected-waste.js';

/** States that are remembered; a new one takes the place of an older one with the same low bits. */
const states = 1 << 16;

/**
 * The waste of states of nodes that were met before, many nodes being in the same one, above all empty ones.
 * States are told apart by two hashes of 32 bits: should two ever agree in both, a node is misjudged until it
 * changes, which costs nothing but a place less good.
 */
export class StateMemory {
  private readonly tags = new Int32Array(states);
  private readonly checks = new Int32Array(states);
  private readonly wastes = new Float64Array(states);
  private tag = 0;
  private check = 0;

  /** Where the state is or would be; good for the calls that follow at once. */
  find({ cpu, memory, devices }: Residue): number {
    this.tag = 0x811c9dc5;
    this.check = 0x2c1b3c6d;
    this.mix(cpu);
    this.mix(memory);
    for (const { column, free } of devices) {
      this.mix(column);
      // In any order of the devices, so that nodes that differ in nothing else share one state.
      let [sum, product] = [0, 1];
      for (let i = 0; i < free.length; i++) {
        const hash = scatter(free[i]! + 1);
        sum = (sum + hash) | 0;
        product = Math.imul(product, hash | 1);
      }
      this.mix(sum);
      this.mix(product);
    }
    // 0 marks a vacant place.
    if (this.tag === 0) this.tag = 1;
    return scatter(this.tag ^ this.check) & (states - 1);
  }

  isKnown(at: number): boolean {
    return this.tags[at] === this.tag && this.checks[at] === this.check;
  }

  waste(at: number): number {
    return this.wastes[at]!;
  }

  remember(at: number, waste: number): void {
    this.tags[at] = this.tag;
    this.checks[at] = this.check;
    this.wastes[at] = waste;
  }

  clear(): void {
    this.tags.fill(0);
  }

  private mix(value: number): void {
    const low = value | 0;
    const high = Math.floor(value / 4_294_967_296) | 0;
    this.tag = scatter(Math.imul(this.tag ^ low, 0x01000193) ^ high);
    this.check = scatter(Math.imul(this.check + low, 0x85ebca6b) + high);
  }
}

function scatter(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}
