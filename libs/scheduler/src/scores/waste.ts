import type { Snapshot } from '../snapshot.js';
import { WasteIndex } from '../waste/waste-index.js';
import { addedFullness, fullness } from './packing.js';
import type { Score } from './score.js';

const indexes = new WeakMap<Snapshot, WasteIndex>();

/** Finest difference of waste that is told apart near zero, in mean pods, and the largest that can be. */
const [finest, largest] = [0.001, 100_000];

/** A rate from 1 (uses up what would be left over) to 0 that falls with the added waste, finely about zero. */
function rateOf(addedWaste: number): number {
  const size = Math.log1p(Math.abs(addedWaste) / finest) / Math.log1p(largest / finest);
  return 0.5 - (Math.sign(addedWaste) * Math.min(1, size)) / 2;
}

function indexOf(snapshot: Snapshot): WasteIndex {
  let index = indexes.get(snapshot);
  if (!index) indexes.set(snapshot, (index = new WasteIndex(snapshot, rateOf)));
  return index;
}

/** Best where the pod adds least to what is expected to be left over for good (`expectedWaste`). */
export const wasteScore: Score = {
  name: 'waste',
  reads: 'usage',
  prepare(snapshot, { podClass: { ask } }) {
    const index = indexOf(snapshot);
    return (slot) => index.rate(ask, slot);
  },
};

/** The same in clusters that have devices; while few pods are known, the fullest node is best. */
export const deviceWasteScore: Score = {
  name: 'deviceWaste',
  reads: 'usage',
  prepare(snapshot, { podClass }) {
    const { nodes } = snapshot;
    if (!nodes.resources.offersDevices) return undefined;
    const index = indexOf(snapshot);
    return (slot) =>
      index.knowsMix
        ? index.rate(podClass.ask, slot)
        : (fullness(nodes, slot) + addedFullness(nodes, podClass, slot)) / 2;
  },
};
