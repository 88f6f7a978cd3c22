import { labelled, type Behaviour } from './behaviour.js';

const page = 'concepts/storage/persistent-volumes, node affinity';
const nodes = [
  labelled('a', { host: 'a', zone: 'x' }),
  labelled('b', { host: 'b', zone: 'x' }),
  labelled('c', { host: 'c', zone: 'y' }),
];
const where = (key: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator: 'In', values }],
});
const reason = 'the volume is elsewhere';

export const volumeBehaviours: readonly Behaviour[] = [
  {
    title: 'a bound local volume keeps the pod on its node',
    source: `${page}; VolumeBinding: bound claims`,
    nodes,
    pod: { volumeAffinity: [{ terms: [where('host', 'b')], reason }] },
    fits: 'b',
  },
  {
    title: 'a volume of a zone keeps the pod in it',
    source: 'VolumeZone; VolumeBinding',
    nodes,
    pod: { volumeAffinity: [{ terms: [where('zone', 'x')], reason }] },
    fits: 'a b',
  },
  {
    title: 'a claim that waits for its first consumer may have any volume that suits it',
    source: 'VolumeBinding: WaitForFirstConsumer',
    nodes,
    pod: { volumeAffinity: [{ terms: [where('host', 'a'), where('host', 'c')], reason }] },
    fits: 'a c',
  },
  {
    title: 'all claims of a pod must be met on one node',
    source: 'VolumeBinding',
    nodes,
    pod: {
      volumeAffinity: [
        { terms: [where('zone', 'x')], reason },
        { terms: [where('host', 'b'), where('host', 'c')], reason },
      ],
    },
    fits: 'b',
  },
  {
    title: 'a claim without any volume',
    source: 'VolumeBinding: unbound claims without a volume',
    nodes,
    pod: { volumeAffinity: [{ terms: [], reason }] },
    fits: '',
  },
  {
    title: 'a volume that is elsewhere is no reason to preempt anybody',
    source: 'DefaultPreemption: VolumeBinding is unresolvable',
    nodes,
    placed: [{ name: 'low', nodeName: 'a', requests: { cpu: '4' } }],
    pod: { priority: 10, requests: { cpu: '4' }, volumeAffinity: [{ terms: [], reason }] },
    victims: '-',
  },
];
