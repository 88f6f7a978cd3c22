import type { NodeInput, PodInput } from '@gantry/scheduler';
import type { TraceNode, TracePod } from './trace.ts';

export const gpu = 'example.com/gpu';
export const gpuShare = `${gpu}-milli`;

/** The trace has no limit on the number of pods. */
const pods = 1_000_000;

export function nodeOf({ cpuMillis, memoryMebibytes, gpus }: TraceNode, index: number): NodeInput {
  const devices = gpus > 0 ? { [gpu]: gpus, [gpuShare]: gpus * 1_000 } : {};
  const allocatable = { cpu: `${cpuMillis}m`, memory: `${memoryMebibytes}Mi`, pods, ...devices };
  return { metadata: { name: `node-${index}` }, status: { allocatable } };
}

export function podOf({ cpuMillis, memoryMebibytes, gpus, gpuMillis }: TracePod): PodInput {
  const share = gpus === 1 && gpuMillis < 1_000 ? { [gpuShare]: gpuMillis } : { [gpu]: gpus };
  const devices = gpus > 0 ? share : {};
  const requests = { cpu: `${cpuMillis}m`, memory: `${memoryMebibytes}Mi`, ...devices };
  return {
    metadata: { name: 'pod', namespace: 'default' },
    spec: { containers: [{ resources: { requests } }] },
  };
}

/** What a pod asks for as text, equal for pods that ask for the same. */
export function shapeKey({ cpuMillis, memoryMebibytes, gpus, gpuMillis }: TracePod): string {
  return [cpuMillis, memoryMebibytes, gpus, gpuMillis].join();
}
