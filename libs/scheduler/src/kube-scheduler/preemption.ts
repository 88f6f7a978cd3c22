import type { PodFixture } from '../fixtures.js';
import { labelled, node, on, type Behaviour } from './behaviour.js';

const page = 'concepts/scheduling-eviction/pod-priority-preemption';
const one = [node('a', { offers: { cpu: '4' } })];
const two = [node('a', { offers: { cpu: '4' } }), node('b', { offers: { cpu: '4' } })];

const holding = (nodeName: string, name: string, cpu: string, priority = 0, more = {}) =>
  on(nodeName, name, { requests: { cpu }, priority, ...more });
const asking = (cpu: string, priority: number, more: Partial<PodFixture> = {}) => ({
  requests: { cpu },
  priority,
  ...more,
});
const anti = (app: string, topologyKey: string) => ({
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app } }, topologyKey },
      ],
    },
  },
});

export const preemptionBehaviours: readonly Behaviour[] = [
  {
    title: 'a less important pod goes',
    source: `${page}: preemption`,
    nodes: one,
    placed: [holding('a', 'low', '4', 0)],
    pod: asking('4', 10),
    victims: 'a: low',
  },
  {
    title: 'a pod of the same priority stays',
    source: `${page}: pods with lower priority than P`,
    nodes: one,
    placed: [holding('a', 'peer', '4', 10)],
    pod: asking('4', 10),
    victims: '-',
  },
  {
    title: 'a more important pod stays',
    source: `${page}: pods with lower priority than P`,
    nodes: one,
    placed: [holding('a', 'boss', '4', 20)],
    pod: asking('4', 10),
    victims: '-',
  },
  {
    title: 'preemptionPolicy Never',
    source: `${page}: non-preempting PriorityClass`,
    nodes: one,
    placed: [holding('a', 'low', '4', 0)],
    pod: asking('4', 10, { preemptionPolicy: 'Never' }),
    victims: '-',
  },
  {
    title: 'nobody goes where that would not help',
    source: `${page}: if removing all lower priority pods is not enough the node is not a candidate`,
    nodes: one,
    placed: [holding('a', 'low', '1', 0), holding('a', 'boss', '3', 20)],
    pod: asking('2', 10),
    victims: '-',
  },
  {
    title: 'nobody goes from a node that is too small',
    source: 'DefaultPreemption',
    nodes: one,
    placed: [holding('a', 'low', '1', 0)],
    pod: asking('8', 10),
    victims: '-',
  },
  {
    title: 'not all less important pods go, only what is needed',
    source: `${page}: preemption does not necessarily remove all lower-priority pods`,
    nodes: one,
    placed: [holding('a', 'one', '2', 0), holding('a', 'two', '2', 0)],
    pod: asking('2', 10),
    victims: 'a: two',
  },
  {
    title: 'the less important of two goes',
    source: 'DefaultPreemption: reprieve from the most important on',
    nodes: one,
    placed: [holding('a', 'one', '2', 5), holding('a', 'two', '2', 1)],
    pod: asking('2', 10),
    victims: 'a: two',
  },
  {
    title: 'two unimportant pods rather than one important',
    source: 'DefaultPreemption: minimum highest priority victim',
    nodes: one,
    placed: [holding('a', 'mid', '2', 5), holding('a', 'x', '1', 0), holding('a', 'y', '1', 0)],
    pod: asking('2', 10),
    victims: 'a: x y',
  },
  {
    title: 'one large pod rather than two small ones of the same priority',
    source: 'DefaultPreemption: reprieve in order of importance, then of start',
    nodes: one,
    placed: [holding('a', 'large', '2', 0), holding('a', 'x', '1', 0), holding('a', 'y', '1', 0)],
    pod: asking('2', 10),
    victims: 'a: large',
    differs: 'depends on who started first there; ours takes the fewest',
  },
  {
    title: 'among nodes: the lower of the highest priorities',
    source: 'DefaultPreemption: pickOneNodeForPreemption, minimum highest priority',
    nodes: two,
    placed: [holding('a', 'p', '4', 5), holding('b', 'q', '4', 1)],
    pod: asking('4', 10),
    victims: 'b: q',
  },
  {
    title: 'among nodes: the fewer victims',
    source: 'DefaultPreemption: pickOneNodeForPreemption, minimum number of victims',
    nodes: two,
    placed: [holding('a', 'p', '2', 1), holding('a', 'q', '2', 1), holding('b', 'r', '4', 1)],
    pod: asking('4', 10),
    victims: 'b: r',
  },
  {
    title: 'among nodes: the smaller sum of priorities',
    source: 'DefaultPreemption: pickOneNodeForPreemption, minimum sum of priorities',
    nodes: two,
    placed: [
      holding('a', 'p', '2', 5),
      holding('a', 'q', '2', 5),
      holding('b', 'r', '2', 5),
      holding('b', 's', '2', 1),
    ],
    pod: asking('4', 10),
    victims: 'b: r s',
  },
  {
    title: 'a budget that has nothing left is spared',
    source: `${page}: PodDisruptionBudget is supported, but not guaranteed`,
    nodes: two,
    placed: [
      holding('a', 'guarded', '4', 0, { labels: { budget: '0' } }),
      holding('b', 'free', '4', 5),
    ],
    pod: asking('4', 10),
    victims: 'b: free',
  },
  {
    title: 'a budget is broken when nothing else helps',
    source: `${page}: if no such victims are found, preemption will still happen`,
    nodes: one,
    placed: [holding('a', 'guarded', '4', 0, { labels: { budget: '0' } })],
    pod: asking('4', 10),
    victims: 'a: guarded',
  },
  {
    title: 'a budget counts each of its pods',
    source: 'DefaultPreemption: filterPodsWithPDBViolation',
    nodes: one,
    placed: [
      holding('a', 'g1', '2', 0, { labels: { budget: '1' } }),
      holding('a', 'g2', '2', 0, { labels: { budget: '1' } }),
      holding('a', 'mid', '0', 5),
    ],
    pod: asking('2', 10),
    victims: 'a: g2',
  },
  {
    title: 'anti-affinity against a less important pod',
    source: `${page}: preemption and inter-pod affinity on the same node`,
    nodes: [labelled('a', { host: 'a' })],
    placed: [holding('a', 'db', '1', 0, { labels: { app: 'db' } })],
    pod: asking('1', 10, anti('db', 'host')),
    victims: 'a: db',
  },
  {
    title: 'anti-affinity of a less important pod',
    source: 'DefaultPreemption with InterPodAffinity',
    nodes: [labelled('a', { host: 'a' })],
    placed: [holding('a', 'db', '1', 0, anti('web', 'host'))],
    pod: asking('1', 10, { labels: { app: 'web' } }),
    victims: 'a: db',
  },
  {
    title: 'a pod on another node is never preempted',
    source: `${page}: cross node preemption is not supported`,
    nodes: [labelled('a', { zone: 'z' }), node('full', { labels: { zone: 'z' }, cordoned: true })],
    placed: [holding('full', 'db', '1', 0, { labels: { app: 'db' } })],
    pod: asking('1', 10, anti('db', 'zone')),
    victims: '-',
  },
  {
    title: 'affinity to a less important pod keeps it',
    source: `${page}: inter-pod affinity on lower-priority pods`,
    nodes: [node('a', { offers: { cpu: '4' }, labels: { host: 'a' } })],
    placed: [holding('a', 'db', '4', 0, { labels: { app: 'db' } })],
    pod: asking('1', 10, {
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'host' },
          ],
        },
      },
    }),
    victims: '-',
  },
  {
    title: 'a node whose taint is not tolerated is not cleared',
    source: 'DefaultPreemption: UnschedulableAndUnresolvable nodes are no candidates',
    nodes: [node('a', { taints: [{ key: 'k', effect: 'NoSchedule' }] })],
    placed: [holding('a', 'low', '4', 0)],
    pod: asking('4', 10),
    victims: '-',
  },
  {
    title: 'a node that the selector excludes is not cleared',
    source: 'DefaultPreemption: UnschedulableAndUnresolvable nodes are no candidates',
    nodes: one,
    placed: [holding('a', 'low', '4', 0)],
    pod: asking('4', 10, { nodeSelector: { disk: 'ssd' } }),
    victims: '-',
  },
  {
    title: 'a host port of a less important pod',
    source: 'DefaultPreemption with NodePorts',
    nodes: one,
    placed: [on('a', 'low', { hostPorts: [80] })],
    pod: { hostPorts: [80], priority: 10 },
    victims: 'a: low',
  },
  {
    title: 'hard spread: a pod of the fuller zone goes',
    source: 'DefaultPreemption with PodTopologySpread',
    nodes: [labelled('a', { zone: 'a' }), node('b', { labels: { zone: 'b' }, cordoned: true })],
    placed: [on('a', 'web', { labels: { app: 'web' } })],
    pod: {
      priority: 10,
      labels: { app: 'web' },
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: { matchLabels: { app: 'web' } },
        },
      ],
    },
    victims: 'a: web',
  },
  {
    title: 'the last of equals to start goes',
    source: 'DefaultPreemption: MoreImportantPod, earlier start time',
    nodes: two,
    placed: [holding('b', 'early', '4', 0), holding('a', 'late', '4', 0)],
    pod: asking('4', 10),
    victims: 'a: late',
  },
];
