import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Volume } from '@gantry/api';
import { readLayerFile } from '../bundle/layer-files.js';
import { writeAtomically } from './atomic-writer.js';
import { prepareHostPath } from './host-path.js';
import { mountPoints } from './mount-table.js';
import { safeRelativePath, volumePayload, type Payload } from './payload.js';
import { stageSubPath } from './sub-path.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gantry-volumes-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const payload = (files: Record<string, string>): Payload =>
  new Map(
    Object.entries(files).map(([path, text]) => [path, { data: Buffer.from(text), mode: 0o640 }]),
  );

describe('atomic writer', () => {
  test('shows files through one link and switches them all at once', async () => {
    const root = join(dir, 'v');
    expect(await writeAtomically(root, payload({ a: '1', 'sub/b': '2', gone: '3' }))).toBe(true);
    expect(await readlink(join(root, 'a'))).toBe('..data/a');
    expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o640);
    const first = await readlink(join(root, '..data'));
    expect(await writeAtomically(root, payload({ a: '1', 'sub/b': '2', gone: '3' }))).toBe(false);
    expect(await writeAtomically(root, payload({ a: 'new', 'sub/b': '2' }))).toBe(true);
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('new');
    expect(await readFile(join(root, 'sub/b'), 'utf8')).toBe('2');
    const second = await readlink(join(root, '..data'));
    expect(second).not.toBe(first);
    expect((await readdir(root)).toSorted()).toEqual(['..data', second, 'a', 'sub'].toSorted());
  });

  test('repairs what an interrupted write left', async () => {
    const root = join(dir, 'v');
    await writeAtomically(root, payload({ a: '1' }));
    await mkdir(join(root, '..2000_left_over'));
    await symlink('..2000_left_over', join(root, '..data_tmp'));
    await writeAtomically(root, payload({ a: '2' }));
    expect(await readdir(root)).toHaveLength(3);
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('2');
  });
});

describe('payload', () => {
  const context = {
    pod: { metadata: { name: 'p', namespace: 'n' }, spec: { containers: [] } },
    podIPs: [],
    hostIP: '',
    nodeName: 'one',
    allocatable: {},
  };
  const lookup = {
    configMap: (name: string) =>
      name === 'cm'
        ? { metadata: { name }, data: { a: '1' }, binaryData: { b: 'AAE=' } }
        : undefined,
    secret: () => undefined,
    runtimeClass: () => undefined,
  };
  const of = (volume: Partial<Volume>) => volumePayload({ name: 'v', ...volume }, context, lookup);

  test('takes all keys, or the items with their modes', () => {
    expect([...of({ configMap: { name: 'cm' } })!.keys()]).toEqual(['a', 'b']);
    const items = [{ key: 'a', path: 'x/y', mode: 0o400 }];
    expect(of({ configMap: { name: 'cm', items } })!.get('x/y')).toEqual({
      data: Buffer.from('1'),
      mode: 0o400,
    });
    const downwardAPI = { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] };
    expect(of({ downwardAPI })!.get('name')!.data.toString()).toBe('p');
    expect(of({ emptyDir: {} })).toBeUndefined();
  });

  test.each<[Partial<Volume>, string]>([
    [{ configMap: { name: 'none' } }, 'configmap "none" not found'],
    [{ secret: { secretName: 'none' } }, 'secret "none" not found'],
    [{ configMap: { name: 'cm', items: [{ key: 'z', path: 'z' }] } }, 'has no key "z"'],
    [{ configMap: { name: 'cm', items: [{ key: 'a', path: '../a' }] } }, 'must be relative'],
    [{ configMap: { name: 'cm', items: [{ key: 'a', path: '/a' }] } }, 'must be relative'],
  ])('refuses %j', (volume, message) => {
    expect(() => of(volume)).toThrow(message);
  });

  test('missing may be allowed', () => {
    expect(of({ secret: { secretName: 'none', optional: true } })!.size).toBe(0);
  });
});

test.each(['', '/a', '..', '../a', 'a/../b', 'a//b', './a', '..data', 'a\0b'])(
  '%j is no safe path',
  (path) => {
    expect(safeRelativePath(path)).toBe(false);
  },
);

describe('sub path', () => {
  const ran: string[][] = [];
  const run = async (argv: readonly string[]) => {
    ran.push([...argv]);
    // What would be mounted, read while it is held.
    const source = argv.at(-2)!;
    ran.at(-1)!.push(await readlink(source));
    return { exitCode: 0, stdout: '', stderr: '', truncated: false };
  };
  const stage = (subPath: string) =>
    stageSubPath({ volume: 'v', root: join(dir, 'v'), subPath, stage: join(dir, 'stage') }, run);

  beforeEach(async () => {
    ran.length = 0;
    await mkdir(join(dir, 'v/real'), { recursive: true });
    await writeFile(join(dir, 'secret'), 'of the host');
    await symlink('real', join(dir, 'v/inside'));
    await symlink(join(dir, 'secret'), join(dir, 'v/outside'));
    await symlink('/etc', join(dir, 'v/etc'));
  });

  test('mounts what was opened, follows links inside and makes what is missing', async () => {
    await stage('inside/new/dir');
    expect(ran[0]!.at(-1)).toBe(join(dir, 'v/inside/new/dir').replace('inside', 'real'));
    expect(ran[0]!.slice(0, 3)).toEqual(['/bin/mount', '--no-canonicalize', '--bind']);
  });

  test.each(['outside', 'etc/passwd', 'etc/new', '../secret', '/etc'])(
    'refuses %s',
    async (subPath) => {
      await expect(stage(subPath)).rejects.toThrow(/leads out of|symbolic link|must be relative/);
      expect(ran).toEqual([]);
    },
  );
});

test('host paths are checked for what they are said to be', async () => {
  const file = join(dir, 'file');
  await writeFile(file, '');
  expect(await prepareHostPath('v', { path: file, type: 'File' })).toBe(file);
  await expect(prepareHostPath('v', { path: file, type: 'Directory' })).rejects.toThrow(
    'is not a directory',
  );
  await expect(prepareHostPath('v', { path: join(dir, 'no'), type: 'Socket' })).rejects.toThrow(
    'does not exist',
  );
  await expect(prepareHostPath('v', { path: '/a/../etc' })).rejects.toThrow('must be absolute');
  await prepareHostPath('v', { path: join(dir, 'made/here'), type: 'DirectoryOrCreate' });
  expect((await stat(join(dir, 'made/here'))).isDirectory()).toBe(true);
});

test('mount points are read with their escapes', () => {
  const line = '36 35 98:0 / /mnt/a\\040b rw,noatime master:1 - ext3 /dev/root rw';
  expect(mountPoints(`${line}\n`)).toEqual(['/mnt/a b']);
});

describe('files of an image', () => {
  test('the topmost layer wins, links stay inside, and hidden files are not found', async () => {
    const [top, bottom] = [join(dir, 'top'), join(dir, 'bottom')];
    await mkdir(join(top, 'usr/share'), { recursive: true });
    await mkdir(join(bottom, 'etc'), { recursive: true });
    await writeFile(join(bottom, 'etc/passwd'), 'bottom');
    await writeFile(join(top, 'usr/share/passwd'), 'linked');
    expect(await readLayerFile([top, bottom], '/etc/passwd')).toBe('bottom');
    await mkdir(join(top, 'etc'));
    await symlink('/usr/share/passwd', join(top, 'etc/passwd'));
    expect(await readLayerFile([top, bottom], '/etc/passwd')).toBe('linked');
    await rm(join(top, 'etc/passwd'));
    await symlink('../../../../../../../etc/hostname', join(top, 'etc/passwd'));
    expect(await readLayerFile([top, bottom], '/etc/passwd')).toBeUndefined();
    await symlink('loop', join(top, 'etc/loop'));
    expect(await readLayerFile([top], '/etc/loop')).toBeUndefined();
  });
});
