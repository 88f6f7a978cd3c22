import { formatReference, parseReference } from '@gantry/image';
import { expect, test } from 'vitest';
import { fullImageName } from './image-name.js';

const digest = `sha256:${'0'.repeat(64)}`;

test.each([
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['team/app', 'docker.io/team/app:latest'],
  ['index.docker.io/library/nginx:1', 'docker.io/library/nginx:1'],
  ['localhost/app', 'localhost/app:latest'],
  ['registry.example:5000/a/b:2', 'registry.example:5000/a/b:2'],
  ['[::1]:5000/a', '[::1]:5000/a:latest'],
  [`registry.example/a@${digest}`, `registry.example/a@${digest}`],
  [`a:1@${digest}`, `docker.io/library/a:1@${digest}`],
])('%s is %s, as agents have it', (text, full) => {
  expect(fullImageName(text)).toBe(full);
  expect(formatReference(parseReference(text))).toBe(full);
});
