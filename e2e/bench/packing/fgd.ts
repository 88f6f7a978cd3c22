import type { Ask, DeviceHoldings, PodHandle, Score, Snapshot } from '@gantry/scheduler';
import { gpu } from './objects.ts';
import type { TracePod } from './trace.ts';

interface Task extends TracePod {
  readonly share: number;
}

/** What is free on a node; GPUs in thousandths. */
interface Residue {
  readonly cpu: number;
  readonly memory: number;
  readonly gpus: readonly number[];
}

interface Placement {
  readonly delta: number;
  readonly gpus: readonly number[];
}

const mebibyte = 2 ** 20;

/**
 * Fragmentation gradient descent (Weng et al., "Beware of Fragmentation", USENIX ATC 2023): the pod goes to
 * the node and GPU where the fragmentation that the target workload expects grows least. It is told the
 * workload beforehand, as in the paper.
 */
export class FragmentationGradient {
  private readonly tasks: readonly Task[];
  private readonly known = new Map<string, number>();

  constructor(workload: ReadonlyMap<TracePod, number>) {
    const total = [...workload.values()].reduce((sum, count) => sum + count, 0);
    this.tasks = [...workload].map(([pod, count]) => ({ ...pod, share: count / total }));
  }

  /** Made anew for each snapshot, of which it remembers answers. */
  score(): Score {
    return {
      name: 'FGD',
      reads: 'usage',
      bound: Infinity,
      prepare: (snapshot, pod) => this.remembering(snapshot, pod),
    };
  }

  /** The GPUs that the descent chooses on a node. */
  devices(snapshot: Snapshot, { podClass: { ask } }: PodHandle, slot: number): DeviceHoldings {
    const residue = residueOf(snapshot, slot);
    return ask.devices ? { [gpu]: this.best(residue, ask).gpus } : {};
  }

  private remembering(snapshot: Snapshot, { podClass: { ask } }: PodHandle) {
    const answers: (number | undefined)[] = [];
    const forget = (slot: number) => (answers[slot] = undefined);
    snapshot.observe({ usageChanged: forget, nodeChanged: forget });
    return (slot: number) => (answers[slot] ??= -this.best(residueOf(snapshot, slot), ask).delta);
  }

  private best(residue: Residue, ask: Ask): Placement {
    const before = this.fragmentation(residue);
    let best: Placement = { delta: Infinity, gpus: [] };
    for (const gpus of choices(residue.gpus, ask)) {
      const delta = this.fragmentation(after(residue, ask, gpus)) - before;
      if (delta < best.delta) best = { delta, gpus };
    }
    return best;
  }

  /** The GPU thousandths on a node that a task of the workload, drawn at random, cannot use. */
  private fragmentation(residue: Residue): number {
    const gpus = [...residue.gpus].sort((a, b) => a - b);
    const key = `${residue.cpu} ${residue.memory} ${gpus.join()}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    let sum = 0;
    for (const task of this.tasks) sum += task.share * unusable(task, residue);
    this.known.set(key, sum);
    return sum;
  }
}

function unusable(task: Task, { cpu, memory, gpus }: Residue): number {
  const total = gpus.reduce((sum, free) => sum + free, 0);
  const lacks = cpu < task.cpuMillis || memory < task.memoryMebibytes * mebibyte;
  if (task.gpus === 0 || lacks) return total;
  const usable = gpus.filter((free) => free >= task.gpuMillis);
  if (usable.length < task.gpus) return total;
  return total - usable.reduce((sum, free) => sum + free, 0);
}

function residueOf({ nodes: { resources } }: Snapshot, slot: number): Residue {
  const devices = resources.devices.get(resources.column(gpu))?.free(slot);
  return {
    cpu: resources.free(0, slot),
    memory: resources.free(1, slot),
    gpus: devices ? Array.from(devices) : [],
  };
}

/** Every GPU with room for a share, but one of those alike; or the first that are whole. */
function choices(gpus: readonly number[], { devices }: Ask): number[][] {
  const [asked] = devices ?? [];
  if (!asked) return [[]];
  const fitting = [...gpus.keys()].filter((device) => gpus[device]! >= asked.millis);
  if (asked.millis === 1_000) return [fitting.slice(0, asked.count)];
  const unlike = new Map(fitting.map((device) => [gpus[device]!, device]));
  return [...unlike.values()].map((device) => [device]);
}

function after({ cpu, memory, gpus }: Residue, ask: Ask, chosen: readonly number[]): Residue {
  const asked = (column: number) => ask.amounts[ask.columns.indexOf(column)] ?? 0;
  const millis = ask.devices?.[0]?.millis ?? 0;
  return {
    cpu: cpu - asked(0),
    memory: memory - asked(1),
    gpus: gpus.map((free, device) => (chosen.includes(device) ? free - millis : free)),
  };
}
