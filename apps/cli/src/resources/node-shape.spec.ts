import { expect, it } from 'vitest';
import { parseShape, shapeText, type NodeShape } from './node-shape.js';

const shapes: [text: string, shape: NodeShape][] = [
  ['8cpu,32Gi', { allocatable: { cpu: '8', memory: '32Gi' } }],
  ['10x500mcpu', { allocatable: { cpu: '500m' }, count: 10 }],
  [
    '2cpu,4Gi,nvidia.com/gpu=2,zone:a',
    { allocatable: { cpu: '2', memory: '4Gi', 'nvidia.com/gpu': '2' }, labels: { zone: 'a' } },
  ],
];

it.each(shapes)('%s', (text, shape) => {
  expect(parseShape(text)).toEqual(shape);
  expect(shapeText(shape)).toBe(text.replace(/^\d+x/, ''));
});

it.each([
  ['', 'is no amount'],
  ['32Gi', 'the cpu is missing'],
  ['8cpu,lots', '"lots" is no amount'],
  ['8cpu,memory=-1Gi', 'memory=-1Gi is no quantity'],
  ['0x8cpu', 'give from 1 to 50000 nodes'],
  ['8cpu,=3', '"=3" is no amount'],
])('refuses %j: %s', (text, why) => {
  expect(() => parseShape(text)).toThrow(why);
  expect(() => parseShape(text)).toThrow('write for example 8cpu,32Gi');
});
