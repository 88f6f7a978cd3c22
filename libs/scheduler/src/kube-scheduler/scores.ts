import { node, on, type Behaviour } from './behaviour.js';

const bin = 'concepts/scheduling-eviction/resource-bin-packing';
const fit = 'NodeResourcesFit';
const three = [node('a'), node('b'), node('c')];
const holding = (nodeName: string, cpu: string, memory = '0') =>
  on(nodeName, `on-${nodeName}`, { requests: { cpu, memory } });

export const scoreBehaviours: readonly Behaviour[] = [
  {
    title: 'MostAllocated: the fullest node that fits',
    source: `${bin}: MostAllocated`,
    nodes: three,
    placed: [holding('a', '1', '2Gi'), holding('b', '3', '6Gi'), holding('c', '2', '4Gi')],
    pod: { requests: { cpu: '1', memory: '2Gi' } },
    profile: 'bin-pack',
    best: 'b',
  },
  {
    title: 'MostAllocated: not the one that is too full',
    source: `${bin}: MostAllocated`,
    nodes: three,
    placed: [holding('a', '1', '2Gi'), holding('b', '3', '6Gi'), holding('c', '2', '4Gi')],
    pod: { requests: { cpu: '2', memory: '2Gi' } },
    profile: 'bin-pack',
    best: 'c',
  },
  {
    title: 'LeastAllocated: the emptiest node',
    source: `${fit}: scoringStrategy LeastAllocated`,
    nodes: three,
    placed: [holding('a', '1', '2Gi'), holding('b', '3', '6Gi')],
    pod: { requests: { cpu: '1', memory: '2Gi' } },
    profile: 'spread',
    best: 'c',
  },
  {
    title: 'LeastAllocated goes by shares, not by amounts',
    source: `${fit}: (allocatable - requested) / allocatable`,
    nodes: [node('small'), node('large', { offers: { cpu: '16', memory: '32Gi' } })],
    placed: [holding('small', '1', '2Gi'), holding('large', '8', '16Gi')],
    pod: { requests: { cpu: '500m', memory: '1Gi' } },
    profile: 'spread',
    best: 'small',
  },
  {
    title: 'MostAllocated goes by shares, not by amounts',
    source: `${fit}: requested / allocatable`,
    nodes: [node('small'), node('large', { offers: { cpu: '16', memory: '32Gi' } })],
    placed: [holding('small', '2', '4Gi'), holding('large', '4', '8Gi')],
    pod: { requests: { cpu: '500m', memory: '1Gi' } },
    profile: 'bin-pack',
    best: 'small',
  },
  {
    title: 'RequestedToCapacityRatio over an extended resource: the fuller device node',
    source: `${bin}: RequestedToCapacityRatio, shape from 0 to 10 over an extended resource`,
    nodes: [
      node('a', { offers: { 'example.com/gpu': '4' } }),
      node('b', { offers: { 'example.com/gpu': '4' } }),
    ],
    placed: [on('b', 'p', { requests: { 'example.com/gpu': '2' } })],
    pod: { requests: { 'example.com/gpu': '1' } },
    profile: 'bin-pack',
    best: 'b',
  },
  {
    title: 'NodeResourcesBalancedAllocation: cpu and memory in equal shares',
    source: 'NodeResourcesBalancedAllocation',
    nodes: [node('a'), node('b')],
    placed: [holding('a', '2', '1Gi'), holding('b', '1', '4Gi')],
    pod: { requests: { cpu: '1', memory: '0' } },
    profile: 'balanced',
    best: 'b',
  },
  {
    title: 'a pod that needs no device keeps off nodes that have one',
    source: 'NodeResourcesFit',
    nodes: [node('gpu', { offers: { 'example.com/gpu': '1' } }), node('plain')],
    pod: { requests: { cpu: '1' } },
    profile: 'bin-pack',
    best: 'plain',
    differs: 'either there; ours keeps devices for pods that ask for them',
  },
];
