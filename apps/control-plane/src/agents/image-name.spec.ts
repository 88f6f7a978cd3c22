import { expect, test } from 'vitest';
import { fullImageName } from './image-name.js';

test.each([
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['team/app', 'docker.io/team/app:latest'],
  ['index.docker.io/library/nginx:1', 'docker.io/library/nginx:1'],
  ['localhost/app', 'localhost/app:latest'],
  ['registry.example:5000/a/b:2', 'registry.example:5000/a/b:2'],
  ['registry.example/a@sha256:00', 'registry.example/a@sha256:00'],
  ['a:1@sha256:00', 'docker.io/library/a:1@sha256:00'],
])('%s is %s', (text, full) => {
  expect(fullImageName(text)).toBe(full);
});
