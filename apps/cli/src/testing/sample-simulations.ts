import type { SimulationStatus } from '../output/simulation-text.js';

const full: SimulationStatus = {
  fits: false,
  pods: 5,
  nodeCount: 2,
  nodesUsed: 1,
  placements: [1, 2, 3].map((i) => ({ pod: `shop/web-${i}`, node: 'a' })),
  refused: [4, 5].map((i) => ({
    pod: `shop/web-${i}`,
    message: '0 of 2 nodes fit: 2 have too little cpu (largest free 500m on b, 1 asked)',
    changes: ['lower the cpu request to 500m', 'add a node with 1 cpu free'],
  })),
  preempted: [{ pod: 'batch/old', node: 'a', by: 'shop/web-1' }],
  nodes: [
    {
      name: 'a',
      pods: 7,
      placed: 3,
      requested: { cpu: '4', memory: '3Gi' },
      allocatable: { cpu: '4', memory: '8Gi' },
    },
  ],
  sizings: [],
  ignored: ['Service/web', 'ConfigMap/page'],
};

const sized: SimulationStatus = {
  ...full,
  fits: true,
  pods: 1,
  nodeCount: 3,
  placements: [{ pod: 'shop/web-0', node: 'shape-0-node-0' }],
  refused: [],
  preempted: [],
  sizings: [
    { allocatable: { cpu: '8', memory: '32Gi' }, nodes: 3, atLeast: 3, refused: 0 },
    { allocatable: { cpu: '2' }, labels: { zone: 'a' }, nodes: 10, atLeast: 0, refused: 2 },
  ],
  ignored: [],
};

/** One that does not fit and one that was sized. */
export const sampleSimulations = [full, sized];
