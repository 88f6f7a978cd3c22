import type { PodFixture } from '../fixtures.js';
import { labelled, node, on, type Behaviour } from './behaviour.js';

const page = 'concepts/scheduling-eviction/assign-pod-node, inter-pod affinity';
const nodes = [
  labelled('a1', { zone: 'a', host: 'a1' }),
  labelled('a2', { zone: 'a', host: 'a2' }),
  labelled('b1', { zone: 'b', host: 'b1' }),
  node('bare'),
];

type Kind = 'podAffinity' | 'podAntiAffinity';
const app = (name: string) => ({ labelSelector: { matchLabels: { app: name } } });
const term = (selector: object, topologyKey = 'zone', more: object = {}) => ({
  ...selector,
  topologyKey,
  ...more,
});
const required = (kind: Kind, ...terms: object[]) =>
  ({
    affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
  }) as Partial<PodFixture>;
const preferred = (kind: Kind, weight: number, podAffinityTerm: object) =>
  ({
    affinity: {
      [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm }] },
    },
  }) as Partial<PodFixture>;
const web = { labels: { app: 'web' } };
const db = (nodeName: string, more: Partial<PodFixture> = {}) =>
  on(nodeName, `db-${nodeName}`, { labels: { app: 'db' }, ...more });

export const interPodBehaviours: readonly Behaviour[] = [
  {
    title: 'affinity: only the domain of the other pod',
    source: `${page}: X should run in an Y if that Y is already running one or more pods that meet rule Z`,
    nodes,
    placed: [db('a1')],
    pod: required('podAffinity', term(app('db'))),
    fits: 'a1 a2',
  },
  {
    title: 'affinity by host',
    source: `${page}: topologyKey`,
    nodes,
    placed: [db('a1')],
    pod: required('podAffinity', term(app('db'), 'host')),
    fits: 'a1',
  },
  {
    title: 'affinity to nobody fits nowhere',
    source: page,
    nodes,
    pod: required('podAffinity', term(app('db'))),
    fits: '',
  },
  {
    title: 'the first of a series that wants its own kind may start where the label is',
    source: 'InterPodAffinity: a pod that matches its own terms is admitted when no pod does',
    nodes,
    pod: { ...web, ...required('podAffinity', term(app('web'))) },
    fits: 'a1 a2 b1',
  },
  {
    title: 'the second of the series joins the first',
    source: 'InterPodAffinity',
    nodes,
    placed: [on('b1', 'w', web)],
    pod: { ...web, ...required('podAffinity', term(app('web'))) },
    fits: 'b1',
  },
  {
    title: 'two terms: one pod must meet both',
    source: 'InterPodAffinity: a pod counts only when it matches all terms',
    nodes,
    placed: [
      on('a1', 'p', { labels: { app: 'db' } }),
      on('a2', 'q', { labels: { tier: 'cache' } }),
      on('b1', 'r', { labels: { app: 'db', tier: 'cache' } }),
    ],
    pod: required(
      'podAffinity',
      term(app('db')),
      term({ labelSelector: { matchLabels: { tier: 'cache' } } }),
    ),
    fits: 'b1',
  },
  {
    title: 'affinity sees pods of its own namespace only',
    source: `${page}: namespaces default to the namespace of the pod`,
    nodes,
    placed: [db('a1', { namespace: 'other' })],
    pod: required('podAffinity', term(app('db'))),
    fits: '',
  },
  {
    title: 'affinity to a namespace that is named',
    source: `${page}: namespaces`,
    nodes,
    placed: [db('a1', { namespace: 'other' })],
    pod: required('podAffinity', term(app('db'), 'zone', { namespaces: ['other'] })),
    fits: 'a1 a2',
  },
  {
    title: 'affinity to namespaces by their labels',
    source: `${page}: namespaceSelector`,
    nodes,
    namespaces: { other: { team: 'x' }, third: { team: 'y' } },
    placed: [db('a1', { namespace: 'other' }), db('b1', { namespace: 'third' })],
    pod: required(
      'podAffinity',
      term(app('db'), 'zone', { namespaceSelector: { matchLabels: { team: 'x' } } }),
    ),
    fits: 'a1 a2',
  },
  {
    title: 'an empty namespaceSelector means all namespaces',
    source: `${page}: an empty namespaceSelector ({}) matches all namespaces`,
    nodes,
    namespaces: { other: {} },
    placed: [db('b1', { namespace: 'other' })],
    pod: required('podAffinity', term(app('db'), 'zone', { namespaceSelector: {} })),
    fits: 'b1',
  },
  {
    title: 'namespaces and namespaceSelector together: those of either',
    source: `${page}: namespaceSelector, the set of namespaces is the union`,
    nodes,
    namespaces: { other: { team: 'x' }, third: { team: 'y' } },
    placed: [db('a1', { namespace: 'other' }), db('b1', { namespace: 'third' })],
    pod: required(
      'podAntiAffinity',
      term(app('db'), 'zone', {
        namespaces: ['third'],
        namespaceSelector: { matchLabels: { team: 'x' } },
      }),
    ),
    fits: 'bare',
  },
  {
    title: 'with a namespaceSelector the own namespace counts only if it is selected',
    source: `${page}: null selector and null or empty namespaces list means this pod's namespace`,
    nodes,
    namespaces: { other: { team: 'x' } },
    placed: [db('a1'), db('b1', { namespace: 'other' })],
    pod: required(
      'podAffinity',
      term(app('db'), 'zone', { namespaceSelector: { matchLabels: { team: 'x' } } }),
    ),
    fits: 'b1',
  },
  {
    title: 'matchLabelKeys: a key that the pod lacks is left out',
    source: `${page}: keys that don't exist in the incoming pod labels will be ignored`,
    nodes,
    placed: [db('a1', { labels: { app: 'db', rev: '1' } })],
    pod: required('podAffinity', term(app('db'), 'zone', { matchLabelKeys: ['rev'] })),
    fits: 'a1 a2',
  },
  {
    title: 'mismatchLabelKeys: a key that the pod lacks is left out',
    source: `${page}: keys that don't exist in the incoming pod labels will be ignored`,
    nodes,
    placed: [db('a1', { labels: { app: 'db', tenant: 'x' } })],
    pod: required('podAntiAffinity', term(app('db'), 'zone', { mismatchLabelKeys: ['tenant'] })),
    fits: 'b1 bare',
  },
  {
    title: 'a selector that is absent matches no pods',
    source: 'core/v1 PodAffinityTerm.labelSelector: if it is null, this matches with no pods',
    nodes,
    placed: [db('a1')],
    pod: required('podAffinity', term({})),
    fits: '',
  },
  {
    title: 'an empty selector matches all pods',
    source: 'meta/v1 LabelSelector: an empty label selector matches all objects',
    nodes,
    placed: [db('a1')],
    pod: required('podAffinity', term({ labelSelector: {} })),
    fits: 'a1 a2',
  },
  {
    title: 'matchLabelKeys: only pods of the same revision',
    source: `${page}: matchLabelKeys`,
    nodes,
    placed: [
      db('a1', { labels: { app: 'db', rev: '1' } }),
      db('b1', { labels: { app: 'db', rev: '2' } }),
    ],
    pod: {
      labels: { rev: '2' },
      ...required('podAffinity', term(app('db'), 'zone', { matchLabelKeys: ['rev'] })),
    },
    fits: 'b1',
  },
  {
    title: 'mismatchLabelKeys: only pods of other tenants',
    source: `${page}: mismatchLabelKeys`,
    nodes,
    placed: [
      db('a1', { labels: { app: 'db', tenant: 'x' } }),
      db('b1', { labels: { app: 'db', tenant: 'y' } }),
    ],
    pod: {
      labels: { tenant: 'x' },
      ...required('podAntiAffinity', term(app('db'), 'zone', { mismatchLabelKeys: ['tenant'] })),
    },
    fits: 'a1 a2 bare',
  },
  {
    title: 'anti-affinity: not where the other pod is',
    source: page,
    nodes,
    placed: [db('a1')],
    pod: required('podAntiAffinity', term(app('db'))),
    fits: 'b1 bare',
  },
  {
    title: 'anti-affinity by host leaves the rest of the zone',
    source: page,
    nodes,
    placed: [db('a1')],
    pod: required('podAntiAffinity', term(app('db'), 'host')),
    fits: 'a2 b1 bare',
  },
  {
    title: 'each anti-affinity term counts by itself',
    source: 'InterPodAffinity: a pod that matches any anti-affinity term keeps off',
    nodes,
    placed: [db('a1'), on('b1', 'c', { labels: { tier: 'cache' } })],
    pod: required(
      'podAntiAffinity',
      term(app('db')),
      term({ labelSelector: { matchLabels: { tier: 'cache' } } }),
    ),
    fits: 'bare',
  },
  {
    title: 'anti-affinity of placed pods is respected',
    source: 'InterPodAffinity: existing pods’ anti-affinity',
    nodes,
    placed: [db('a1', required('podAntiAffinity', term(app('web'))))],
    pod: web,
    fits: 'b1 bare',
  },
  {
    title: 'affinity of placed pods asks nothing of others',
    source: 'InterPodAffinity: required affinity is not symmetric',
    nodes,
    placed: [db('a1', required('podAffinity', term(app('db'))))],
    pod: web,
    fits: 'a1 a2 b1 bare',
  },
  {
    title: 'a pod keeps off its own kind',
    source: `${page}: more practical use-cases`,
    nodes,
    placed: [on('a1', 'w', { ...web, ...required('podAntiAffinity', term(app('web'), 'host')) })],
    pod: { ...web, ...required('podAntiAffinity', term(app('web'), 'host')) },
    fits: 'a2 b1 bare',
  },
  {
    title: 'pods that have ended are not counted',
    source: 'InterPodAffinity: terminated pods are left out of the snapshot',
    nodes,
    placed: [db('a1', { phase: 'Succeeded' })],
    pod: required('podAntiAffinity', term(app('db'))),
    fits: 'a1 a2 b1 bare',
  },
  {
    title: 'preferred affinity draws',
    source: `${page}: preferredDuringSchedulingIgnoredDuringExecution`,
    nodes,
    placed: [db('b1')],
    pod: preferred('podAffinity', 100, term(app('db'))),
    best: 'b1',
  },
  {
    title: 'preferred anti-affinity drives away',
    source: `${page}: preferredDuringSchedulingIgnoredDuringExecution`,
    nodes: nodes.slice(0, 3),
    placed: [db('a1'), on('a2', 'fill', { requests: { cpu: '1' } })],
    pod: preferred('podAntiAffinity', 100, term(app('db'))),
    best: 'b1',
  },
  {
    title: 'more matching pods draw more',
    source: 'InterPodAffinity: the weight is added for each matching pod',
    nodes: nodes.slice(0, 3),
    placed: [
      db('a1', { requests: { cpu: '1' } }),
      db('b1'),
      on('b1', 'db-2', { labels: { app: 'db' } }),
    ],
    pod: preferred('podAffinity', 100, term(app('db'))),
    best: 'b1',
  },
];
