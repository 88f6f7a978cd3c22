import { imageLabel } from '../images.js';
import { labelValue } from '../labels.js';
import type { Score } from './score.js';

const mebibyte = 2 ** 20;
/** What is there in images counts from here on, and up to this for each container. */
const least = 23 * mebibyte;
const mostEach = 1_000 * mebibyte;

/**
 * kube-scheduler's ImageLocality: better where more of the pod's images lie already, each by its size times the
 * share of nodes that have it, so that pods do not crowd on the one node that pulled an image first.
 */
export const imageLocalityScore: Score = {
  name: 'imageLocality',
  reads: 'node',
  labels: (_snapshot, { podClass: { images } }) => [...new Set(images)].map(imageLabel),
  prepare({ nodes }, { podClass: { images } }) {
    if (images.length === 0) return undefined;
    const labels = images.map(imageLabel);
    const size = (slot: number, label: string) =>
      Number(labelValue(nodes.traits[slot]!.labels, label) ?? 0);
    const holders = (label: string) =>
      [...nodes].filter((slot) => labelValue(nodes.traits[slot]!.labels, label) !== undefined);
    const shares = labels.map((label) => holders(label).length / Math.max(1, nodes.size));
    const most = mostEach * images.length;
    return (slot) => {
      const there = labels.reduce((sum, label, i) => sum + size(slot, label) * shares[i]!, 0);
      return Math.min(1, Math.max(0, there - least) / (most - least));
    };
  },
};
