import type { RebalancePlanStatus } from '@gantry/api';

const gainful: RebalancePlanStatus = {
  moves: [
    {
      namespace: 'shop',
      pod: 'web-6d4cf56db6-x7k2p',
      uid: 'uid-1',
      owner: 'ReplicaSet/web-6d4cf56db6',
      from: 'b',
      to: 'a',
      reason: 'makes room for batch/large',
    },
    {
      namespace: 'shop',
      pod: 'api-5b8c7d9f4-2xqzt',
      uid: 'uid-2',
      owner: 'ReplicaSet/api-5b8c7d9f4',
      from: 'c',
      to: 'a',
      reason: 'frees c',
    },
  ],
  freed: ['c'],
  rooms: [{ pod: 'batch/large', node: 'b', moves: 1 }],
  kept: [
    { node: 'd', message: 'shop/db-0 belongs to a StatefulSet' },
    {
      node: 'e',
      message: 'more of its pods would go than disruption budgets allow: shop/cache (allows 0)',
    },
  ],
  before: { nodesInUse: 5, pending: 1, idleCpu: 0.41, idleMemory: 0.524 },
  after: { nodesInUse: 4, pending: 0, idleCpu: 0.2625, idleMemory: 0.4 },
  gain: 'frees 1 of 5 nodes in use (c) and makes room for 1 pending pod',
};

const vain: RebalancePlanStatus = {
  ...gainful,
  moves: [],
  freed: [],
  rooms: [],
  after: gainful.before,
  gain: 'nothing to gain within these bounds',
};

/** One with something to gain and one without. */
export const sampleRebalances = [gainful, vain];
