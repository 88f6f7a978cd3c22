import { cpuColumn, memoryColumn, type ResourceTable } from '../resource-table.js';
import type { NodeBlocks } from './node-blocks.js';

/** Slots side by side that share a bound. */
const spanBits = 6;
const spanSize = 1 << spanBits;

/**
 * Nodes with too little cpu or memory for every ask that is known: most nodes of a cluster in use. They stand in no
 * order, so pods come to them and leave them without a search; only a new ask looks at them.
 */
export class FullNodes {
  /** By span: no full node there has more free. */
  private cpu = new Float64Array(1).fill(-Infinity);
  private memory = new Float64Array(1).fill(-Infinity);

  constructor(
    private readonly resources: ResourceTable,
    private readonly blocks: NodeBlocks,
  ) {}

  growSlots(capacity: number): void {
    this.cpu = widened(this.cpu, capacity >> spanBits);
    this.memory = widened(this.memory, capacity >> spanBits);
  }

  /** The node is full and belongs to this order. */
  add(slot: number, order: number): void {
    this.blocks.setFull(slot, order);
    this.raise(slot >> spanBits, slot);
  }

  /** Visits each full node that has this much free; the visitor takes it out. */
  wake(cpu: number, memory: number, visit: (slot: number) => void): void {
    for (let span = 0; span < this.cpu.length; span++) {
      if (this.cpu[span]! < cpu || this.memory[span]! < memory) continue;
      this.wakeSpan(span, cpu, memory, visit);
    }
  }

  private wakeSpan(span: number, cpu: number, memory: number, visit: (slot: number) => void): void {
    const { resources, blocks } = this;
    this.cpu[span] = -Infinity;
    this.memory[span] = -Infinity;
    const first = span << spanBits;
    for (let slot = first; slot < first + spanSize; slot++) {
      if (!blocks.isFull(slot)) continue;
      const isEnough =
        resources.free(cpuColumn, slot) >= cpu && resources.free(memoryColumn, slot) >= memory;
      if (isEnough) visit(slot);
      else this.raise(span, slot);
    }
  }

  private raise(span: number, slot: number): void {
    const cpu = this.resources.free(cpuColumn, slot);
    const memory = this.resources.free(memoryColumn, slot);
    if (cpu > this.cpu[span]!) this.cpu[span] = cpu;
    if (memory > this.memory[span]!) this.memory[span] = memory;
  }
}

function widened(bounds: Float64Array, length: number) {
  const longer = new Float64Array(length).fill(-Infinity);
  longer.set(bounds);
  return longer;
}
