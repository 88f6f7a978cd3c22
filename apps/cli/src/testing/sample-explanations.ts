import type { PlacementExplanation } from '../output/explanation-text.js';

const few: PlacementExplanation = {
  message:
    '0 of 2 nodes fit: 1 has too little memory (largest free 1Gi on n2, 4Gi asked), 1 is cordoned; lower the memory request to 1Gi or uncordon n1',
  suggestion: 'lower the memory request to 1Gi or uncordon n1',
  nodes: [
    { name: 'n2', fits: false, reasons: ['1Gi memory free of 8Gi, 4Gi asked'] },
    { name: 'n1', fits: false, reasons: ['is cordoned'] },
  ],
  changes: [
    { text: 'lower the memory request to 1Gi', node: 'n2' },
    { text: 'uncordon n1', node: 'n1' },
    { text: 'move shop/cache-0, shop/batch-7 away from n2', node: 'n2' },
    { text: 'add a node with 500m cpu and 4Gi memory free', node: 'new-node' },
  ],
};

const many: PlacementExplanation = {
  message:
    '0 of 30 nodes fit: 30 have taint dedicated=db:NoSchedule that the pod does not tolerate',
  nodes: Array.from({ length: 30 }, (_, i) => ({
    name: `n${i}`,
    fits: false,
    reasons: ['taint dedicated=db:NoSchedule is not tolerated'],
  })),
  refusals: [
    {
      filter: 'taints',
      reason: 'taint dedicated=db:NoSchedule',
      count: 30,
      nodes: ['n0', 'n1', 'n2', 'n3'],
    },
    { filter: 'resources', reason: 'too little cpu', count: 2, nodes: ['n4', 'n9'] },
  ],
  changes: [{ text: 'tolerate taint dedicated=db:NoSchedule to allow n3', node: 'n3' }],
};

const running: PlacementExplanation = {
  message: 'bound to n1: the best of 2 of 2 nodes that fit, by profile bin-pack',
  nodes: [
    { name: 'n2', fits: true, score: 0.5 },
    { name: 'n1', fits: true, reasons: [], score: 1.256 },
  ],
  candidates: [
    { node: 'n1', score: 1.256, scores: { pack: 0.756, reserve: 0.5, preferredAffinity: 0 } },
    { node: 'n2', score: 0.5, scores: { pack: 0, reserve: 0.5, preferredAffinity: 0 } },
  ],
  changes: [],
};

/** A pod that fits nowhere, one in a large cluster, and one that runs. */
export const sampleExplanations = [few, many, running];
