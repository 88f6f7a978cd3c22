import { expect, test } from 'vitest';
import { ImageError } from './errors.js';
import { formatReference, parseReference } from './reference.js';

const hex = 'a'.repeat(64);

test.each([
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27'],
  ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
  ['index.docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app:v1', 'localhost:5000/app:v1'],
  ['127.0.0.1:5000/team/app', '127.0.0.1:5000/team/app:latest'],
  ['[::1]:5000/app', '[::1]:5000/app:latest'],
  ['ghcr.io/a/b/c:x', 'ghcr.io/a/b/c:x'],
  [`ghcr.io/a/b@sha256:${hex}`, `ghcr.io/a/b@sha256:${hex}`],
  [`nginx:1@sha256:${hex}`, `docker.io/library/nginx:1@sha256:${hex}`],
  ['a__b/c-d.e', 'docker.io/a__b/c-d.e:latest'],
])('%s is %s', (text, full) => {
  expect(formatReference(parseReference(text))).toBe(full);
  expect(formatReference(parseReference(full))).toBe(full);
});

test.each([
  ['', 'it is empty'],
  ['Nginx', 'lower case'],
  ['nginx:', '"" is no tag'],
  ['nginx:-x', 'is no tag'],
  ['a//b', 'is no repository path'],
  ['../etc/passwd', 'is no registry host'],
  ['a/../b', 'is no repository path'],
  ['nginx@sha256:12', 'is no digest'],
  [`nginx@md5:${hex}`, 'is no digest'],
  ['exa mple.com/x', 'is no registry host'],
  ['a'.repeat(300), 'too long'],
  ['nginx:' + 'x'.repeat(129), 'is no tag'],
])('refuses %j', (text, why) => {
  expect(() => parseReference(text)).toThrow(why);
  expect(() => parseReference(text)).toThrow(ImageError);
});
