import { expect, test } from 'vitest';
import type { RegistryConfig } from '../types.js';
import { endpointsOf } from './endpoint.js';

const where = (registry: string, config: RegistryConfig = {}) =>
  endpointsOf(registry, config).map(({ scheme, host, prefix }) =>
    [`${scheme}://${host}`, ...(prefix ? [prefix] : [])].join('/'),
  );

test.each<[string, string, RegistryConfig, string[]]>([
  ['TLS', 'ghcr.io', {}, ['https://ghcr.io']],
  ["Docker Hub's real host", 'docker.io', {}, ['https://registry-1.docker.io']],
  ['plain http on loopback', '127.0.0.1:5000', {}, ['http://127.0.0.1:5000']],
  ['plain http where it is named', 'r:5000', { 'r:5000': { plainHttp: true } }, ['http://r:5000']],
  ['TLS where only another is named', 'r', { s: { plainHttp: true } }, ['https://r']],
  [
    'TLS on loopback once an authority is named',
    '[::1]',
    { '[::1]': { ca: 'C' } },
    ['https://[::1]'],
  ],
  [
    'mirrors in their order, then itself',
    'docker.io',
    { 'docker.io': { mirrors: ['m:1/hub', 'n'] }, 'm:1': { plainHttp: true } },
    ['http://m:1/hub', 'https://n', 'https://registry-1.docker.io'],
  ],
  ['mirrors alone', 'r', { r: { mirrors: ['m'], mirrorsOnly: true } }, ['https://m']],
])('asks %s', (_, registry, config, expected) => {
  expect(where(registry, config)).toEqual(expected);
});
