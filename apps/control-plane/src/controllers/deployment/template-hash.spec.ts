import { expect, test } from 'vitest';
import type { PodTemplateSpec } from '@gantry/api';
import { sameTemplate, templateHash } from './template-hash.js';

const template = (image: string, labels: Record<string, string> = { app: 'web' }) =>
  ({ metadata: { labels }, spec: { containers: [{ name: 'c', image }] } }) as PodTemplateSpec;

test('is the same for the same template however its fields are ordered', () => {
  const reordered = {
    spec: { containers: [{ image: 'a', name: 'c', command: undefined }] },
    metadata: { labels: { app: 'web' } },
  } as unknown as PodTemplateSpec;
  expect(templateHash(reordered)).toBe(templateHash(template('a')));
  expect(sameTemplate(reordered, template('a'))).toBe(true);
});

test('differs for another template and after a collision', () => {
  const hashes = [
    templateHash(template('a')),
    templateHash(template('b')),
    templateHash(template('a'), 1),
  ];
  expect(new Set(hashes).size).toBe(3);
  expect(sameTemplate(template('a'), template('b'))).toBe(false);
});

test('does not depend on the hash label itself and is a DNS label', () => {
  const labelled = template('a', { app: 'web', 'pod-template-hash': 'x' });
  expect(templateHash(labelled)).toBe(templateHash(template('a')));
  expect(templateHash(labelled)).toMatch(/^[a-z0-9]{10}$/);
});
