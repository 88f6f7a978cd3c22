import { quantityBytes, quantityMillis, reclaimableAnnotation, type Node } from '@gantry/api';
import type { CpuAndMemory } from '@gantry/scheduler';

/** What the node offers to reclaimable pods, as it stands in its annotation; undefined when nothing stands there. */
export function offerOf(node: Node): CpuAndMemory | undefined {
  const text = node.metadata.annotations?.[reclaimableAnnotation];
  if (!text) return undefined;
  try {
    const { cpu, memory } = JSON.parse(text) as Record<string, unknown>;
    return { cpuMillis: quantityMillis(String(cpu)), memoryBytes: quantityBytes(String(memory)) };
  } catch {
    // Whoever wrote it by hand wrote it wrong: then nothing is offered.
    return { cpuMillis: 0, memoryBytes: 0 };
  }
}

export function offerText({ cpuMillis, memoryBytes }: CpuAndMemory): string {
  return JSON.stringify({ cpu: `${cpuMillis}m`, memory: `${memoryBytes}` });
}

/** What the node has for its pods altogether. */
export function allocatableOf(node: Node): CpuAndMemory {
  const { cpu = '0', memory = '0' } = node.status?.allocatable ?? {};
  return { cpuMillis: quantityMillis(cpu), memoryBytes: quantityBytes(memory) };
}
