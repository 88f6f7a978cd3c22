import { hasEnded, type Pod } from '@gantry/api';
import { inSlices, objectKey, type Informer } from '@gantry/controller';
import {
  decisiveParts,
  uidOf,
  type LabelSet,
  type PlacedPod,
  type PodClass,
  type Snapshot,
} from '@gantry/scheduler';
import { PlacedRecords, type CheckpointHeader } from './checkpoint-file.js';

/** With more of these a checkpoint would be no shorter than what it stands for. */
const maxClasses = 50_000;
const maxUnrecorded = 10_000;

/** Numbers names in the order in which they come. */
class Names {
  readonly all: string[] = [];
  private readonly numbers = new Map<string, number>();

  number(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.all.length);
    return this.all.push(name) - 1;
  }
}

/** Numbers classes together with label sets; each is told by one of its pods. */
class Classes {
  readonly all: CheckpointHeader['classes'][number][] = [];
  private readonly numbers = new Map<PodClass, Map<LabelSet, number>>();

  number({ podClass, labelSet }: PlacedPod, pod: Pod): number {
    let sets = this.numbers.get(podClass);
    if (!sets) this.numbers.set(podClass, (sets = new Map()));
    const known = sets.get(labelSet);
    if (known !== undefined) return known;
    sets.set(labelSet, this.all.length);
    return this.all.push(decisiveParts(pod)) - 1;
  }
}

export interface Survey {
  readonly header: Omit<CheckpointHeader, 'id'>;
  readonly records: PlacedRecords;
}

/**
 * What the snapshot holds of the pods that the informer shows, in slices. Changes meanwhile may be in it or not: it
 * is for the revision at its beginning, and whoever applies to it all changes since then comes to the present.
 * Undefined when it would not be worth it, or the signal aborts.
 */
export async function survey(
  pods: Informer<Pod>,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Survey | undefined> {
  const revision = String(pods.seenRevision);
  const [nodes, classes, records] = [new Names(), new Classes(), new PlacedRecords(pods.size)];
  const devices: [number, NonNullable<PlacedPod['devices']>][] = [];
  const unrecorded: string[] = [];
  const isTooMuch = () => classes.all.length > maxClasses || unrecorded.length > maxUnrecorded;
  const note = (pod: Pod) => {
    if (hasEnded(pod) || isTooMuch()) return;
    const placed = pod.spec.nodeName ? snapshot.pod(uidOf(pod)) : undefined;
    const isRecorded =
      placed?.nodeName === pod.spec.nodeName &&
      placed !== undefined &&
      records.add(placed.uid, classes.number(placed, pod), nodes.number(placed.nodeName));
    if (!isRecorded) unrecorded.push(objectKey(pod));
    else if (placed.devices) devices.push([records.size - 1, placed.devices]);
  };
  await inSlices(pods.values(), note, signal);
  if (signal.aborted || isTooMuch()) return undefined;
  const header = { revision, nodes: nodes.all, classes: classes.all, devices, unrecorded };
  return { header, records };
}
