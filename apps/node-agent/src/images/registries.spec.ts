import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRegistries } from './registries.js';

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'registries-'));
  path = join(dir, 'registries.json');
});
afterEach(() => rm(dir, { recursive: true }));

async function read(settings: unknown, mode = 0o600) {
  const content = typeof settings === 'string' ? settings : JSON.stringify(settings);
  await writeFile(path, content);
  await chmod(path, mode);
  return readRegistries(path);
}

test('without a file there is nothing to say', async () => {
  expect(await readRegistries(undefined)).toEqual({});
});

test('mirrors, certificates and credentials, the latter two also from files beside it', async () => {
  await writeFile(join(dir, 'site.pem'), 'CERTIFICATE');
  await writeFile(join(dir, 'password'), 'secret\n', { mode: 0o600 });
  const settings = {
    'docker.io': { mirrors: ['cache.example:5000/hub'], mirrorsOnly: true },
    'cache.example:5000': {
      caFile: 'site.pem',
      auth: { username: 'puller', passwordFile: 'password' },
    },
  };
  expect(await read(settings, 0o644)).toEqual({
    'docker.io': { mirrors: ['cache.example:5000/hub'], mirrorsOnly: true },
    'cache.example:5000': { ca: 'CERTIFICATE', auth: { username: 'puller', password: 'secret' } },
  });
});

test.each([
  ['what is no JSON', '{', /JSON/],
  ['a list', [], /must be an object with a registry host as each key/],
  [
    'a setting that is unknown',
    { r: { insecure: true } },
    /"r"\.insecure is not known: .*plainHttp/,
  ],
  [
    'a mirror with a scheme',
    { r: { mirrors: ['http://m'] } },
    /"r"\.mirrors must be a list of HOST/,
  ],
  ['a flag that is none', { r: { plainHttp: 'yes' } }, /"r"\.plainHttp must be true or false/],
  ['an unknown credential', { r: { auth: { pasword: 'x' } } }, /"r"\.auth\.pasword is not known/],
  ['a file that is missing', { r: { caFile: 'gone.pem' } }, /ENOENT.*gone\.pem/],
])('refuses %s, naming the file and the setting', async (_, settings, message) => {
  const failure = await read(settings).catch((error: Error) => error.message);
  expect(failure).toMatch(message);
  expect(failure).toContain(`--registries ${path}`);
});

test('refuses credentials that others on the host can read, and does not print them', async () => {
  const settings = { r: { auth: { username: 'a', password: 'hidden' } } };
  const failure = await read(settings, 0o644).catch((error: Error) => error.message);
  expect(failure).toContain(`chmod 600 ${path}`);
  expect(failure).not.toContain('hidden');
  expect(await read(settings, 0o600)).toEqual(settings);
});

test('refuses a password file that others on the host can read', async () => {
  const password = join(dir, 'password');
  await writeFile(password, 'secret');
  await chmod(password, 0o640);
  const settings = { r: { auth: { username: 'a', passwordFile: 'password' } } };
  const failure = await read(settings).catch((error: Error) => error.message);
  expect(failure).toContain(`"r".auth.passwordFile holds credentials`);
  expect(failure).toContain(`chmod 600 ${password}`);
});

test('says where JSON is faulty without showing what stands there', async () => {
  const text = '{ "r":\n { "auth": { "password": "hid-den" "x" } } }';
  const failure = await read(text).catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: expect.stringMatching(/no valid JSON( \(line 2\))?$/) });
  expect(inspect(failure)).not.toContain('hid-den');
});
