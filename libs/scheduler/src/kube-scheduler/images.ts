import { node, type Behaviour } from './behaviour.js';

const source = 'ImageLocality';
const weights = { imageLocality: 1, spread: 0 };
const profile = 'spread' as const;
const withWeb = (name: string, size: number) => node(name, { images: { 'web:1': size } });

export const imageBehaviours: readonly Behaviour[] = [
  {
    title: 'a node that has the image is better',
    source,
    nodes: [node('a'), withWeb('b', 500)],
    pod: { images: ['web:1'] },
    weights,
    profile,
    best: 'b',
  },
  {
    title: 'the larger of two images counts more',
    source: `${source}: sizes of the images are added up`,
    nodes: [node('a', { images: { 'web:1': 100 } }), node('b', { images: { 'db:1': 400 } })],
    pod: { images: ['web:1', 'db:1'] },
    weights,
    profile,
    best: 'b',
  },
  {
    title: 'two images together outweigh one',
    source: `${source}: sizes of the images are added up`,
    nodes: [
      node('a', { images: { 'db:1': 500 } }),
      node('b', { images: { 'db:1': 500, 'web:1': 300 } }),
    ],
    pod: { images: ['web:1', 'db:1'] },
    weights,
    profile,
    best: 'b',
  },
  {
    title: 'less than 23 MB in images counts nothing',
    source: `${source}: minThreshold`,
    nodes: [node('a'), withWeb('b', 45)],
    pod: { images: ['web:1'] },
    weights,
    profile,
    best: 'a',
  },
  {
    title: 'a size counts by the share of nodes that have the image',
    source: `${source}: scaledImageScore`,
    nodes: [
      node('a', { images: { 'rare:1': 500 } }),
      node('b', { images: { 'common:1': 300 } }),
      node('c', { images: { 'common:1': 300 } }),
      node('d'),
    ],
    pod: { images: ['rare:1', 'common:1'] },
    weights,
    profile,
    best: 'b',
  },
  {
    title: 'more than 1000 MB for each container counts no more',
    source: `${source}: maxContainerThreshold`,
    nodes: [withWeb('a', 2_000), withWeb('b', 5_000)],
    pod: { images: ['web:1'] },
    weights,
    profile,
    best: 'a',
  },
  {
    title: 'a name without a tag is that of the tag latest',
    source: `${source}: normalizedImageName`,
    nodes: [node('a'), node('b', { images: { 'web:latest': 500 } })],
    pod: { images: ['web'] },
    weights,
    profile,
    best: 'b',
  },
  {
    title: 'a registry with a port is not taken for a tag',
    source: `${source}: normalizedImageName`,
    nodes: [node('a'), node('b', { images: { 'registry.local:5000/web:latest': 500 } })],
    pod: { images: ['registry.local:5000/web'] },
    weights,
    profile,
    best: 'b',
  },
  {
    title: 'a short name is that of the default registry',
    source,
    nodes: [node('a'), node('b', { images: { 'docker.io/library/web:1': 500 } })],
    pod: { images: ['web:1'] },
    weights,
    profile,
    best: 'b',
    differs: 'either there, where names are compared as they are written',
  },
  {
    title: 'without a weight images decide nothing',
    source,
    nodes: [node('a'), withWeb('b', 900)],
    pod: { images: ['web:1'] },
    profile,
    best: 'a',
    differs: 'b: there its weight is 1; ours is 0, since layers come from the next node',
  },
];
