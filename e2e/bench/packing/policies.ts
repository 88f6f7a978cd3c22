import {
  profiles,
  type DeviceHoldings,
  type PodHandle,
  type Profile,
  type Score,
  type Snapshot,
} from '@gantry/scheduler';
import { leastAllocated, mostAllocated, nomad } from './allocated.ts';
import { FragmentationGradient } from './fgd.ts';
import { shapeKey } from './objects.ts';
import type { Trace, TracePod } from './trace.ts';

/** One way to choose nodes, made anew for every cluster. */
export interface Policy {
  readonly profile: Profile;
  /** Chooses the devices too; undefined leaves that to the snapshot. */
  readonly devices?: (snapshot: Snapshot, pod: PodHandle, slot: number) => DeviceHoldings;
}

/** The profile whose figures are ours; all others are compared with it. */
export const ours = 'balanced';

function workloadOf({ pods }: Trace): Map<TracePod, number> {
  const byShape = new Map<string, { pod: TracePod; count: number }>();
  for (const pod of pods) {
    const known = byShape.get(shapeKey(pod));
    if (known) known.count++;
    else byShape.set(shapeKey(pod), { pod, count: 1 });
  }
  return new Map([...byShape.values()].map(({ pod, count }) => [pod, count]));
}

function by(score: Score): Profile {
  const { filters } = profiles['bin-pack'];
  return { name: score.name, filters, scores: [{ score, weight: 1 }] };
}

/** Our profiles and the rules of others, by the names under which they are reported. */
export function policies(trace: Trace): Readonly<Record<string, () => Policy>> {
  const workload = workloadOf(trace);
  return {
    balanced: () => ({ profile: profiles.balanced }),
    'bin-pack': () => ({ profile: profiles['bin-pack'] }),
    spread: () => ({ profile: profiles.spread }),
    LeastAllocated: () => ({ profile: by(leastAllocated) }),
    MostAllocated: () => ({ profile: by(mostAllocated) }),
    Nomad: () => ({ profile: by(nomad) }),
    FGD: () => {
      const descent = new FragmentationGradient(workload);
      return { profile: by(descent.score()), devices: (...at) => descent.devices(...at) };
    },
  };
}
