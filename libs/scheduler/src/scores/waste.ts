import type { Snapshot } from '../snapshot.js';
import { WasteIndex } from '../waste/waste-index.js';
import type { PodHandle } from '../pod-class.js';
import type { NodeScore, Score } from './score.js';

const indexes = new WeakMap<Snapshot, WasteIndex>();

/** Finest difference of waste that is told apart near zero, in mean pods, and the largest that can be. */
const [finest, largest] = [0.001, 100_000];

/** A rate from 1 (uses up what would be left over) to 0 that falls with the added waste, finely about zero. */
function rateOf(addedWaste: number): number {
  const size = Math.log1p(Math.abs(addedWaste) / finest) / Math.log1p(largest / finest);
  return 0.5 - (Math.sign(addedWaste) * Math.min(1, size)) / 2;
}

function prepare(snapshot: Snapshot, { podClass: { ask } }: PodHandle): NodeScore {
  let index = indexes.get(snapshot);
  if (!index) indexes.set(snapshot, (index = new WasteIndex(snapshot, rateOf)));
  const known = index;
  return (slot) => known.rate(ask, slot);
}

/** Best where the pod adds least to what is expected to be left over for good (`expectedWaste`). */
export const wasteScore: Score = { name: 'waste', reads: 'usage', prepare };

/** The same, in clusters that have devices. */
export const deviceWasteScore: Score = {
  name: 'deviceWaste',
  reads: 'usage',
  prepare: (snapshot, pod) =>
    snapshot.nodes.resources.offersDevices ? prepare(snapshot, pod) : undefined,
};
