import { mkdtemp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseConfig } from '../config.js';
import { chooseSnapshotter, type SnapshotHost } from './choose.js';
import { layersBehind, layersBinary } from './conformance.fixture.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp('/var/tmp/gantry-choose-');
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

/** A host whose data directory lies on an overlay, which takes no other one's upper layer. */
async function onOverlay(): Promise<SnapshotHost> {
  const inner = join(dataDir, 'inner');
  for (const name of ['lower', 'upper', 'work', 'inner']) await mkdir(join(dataDir, name));
  const at = (name: string) => `${name}dir=${join(dataDir, name)}`;
  const options = ['lower', 'upper', 'work'].map(at).join(',');
  const change = `mount -t overlay overlay -o ${options} ${inner}`;
  return { dataDir: inner, layersBinary: await layersBehind(dataDir, change) };
}

test('auto is overlay where that can be had, and tries leave nothing behind', async () => {
  const chosen = await chooseSnapshotter('auto', { dataDir, layersBinary });
  expect([chosen.driver.name, chosen.fallbackReason]).toEqual(['overlay', undefined]);
  for (const choice of ['overlay', 'copy', 'erofs'] as const) {
    const { driver } = await chooseSnapshotter(choice, { dataDir, layersBinary });
    expect(driver.name).toBe(choice);
    expect(driver.layerFormat).toBe(choice === 'erofs' ? 'erofs' : 'directory');
  }
  expect(await readdir(dataDir)).toEqual([]);
});

test('where no overlay can be had auto is copy, which says why; what was asked for is refused', async () => {
  const host = await onOverlay();
  const reason = `the file system of ${host.dataDir} takes no writable overlay; use one that does`;
  const chosen = await chooseSnapshotter('auto', host);
  expect(chosen.driver.name).toBe('copy');
  expect(chosen.fallbackReason).toContain(reason);
  for (const choice of ['overlay', 'erofs'] as const) {
    const refused = chooseSnapshotter(choice, host);
    await expect(refused).rejects.toThrow(`--snapshotter ${choice}: ${reason}`);
    await expect(refused).rejects.toThrow('or start the agent with --snapshotter copy');
  }
});

test('erofs without its program is refused with what to install', async () => {
  const change =
    'for f in /usr/bin/mkfs.erofs /usr/sbin/mkfs.erofs; do ' +
    '[ ! -e $f ] || mount --bind /dev/null $f; done';
  const host = { dataDir, layersBinary: await layersBehind(dataDir, change) };
  await expect(chooseSnapshotter('erofs', host)).rejects.toThrow(
    '--snapshotter erofs: mkfs.erofs is not installed; install the package erofs-utils; ' +
      'or start the agent with --snapshotter overlay',
  );
});

test('the flag takes these names and no other', () => {
  const parse = (...flags: string[]) => parseConfig(['--server', 'a:1', ...flags]).snapshotter;
  expect(parse()).toBe('auto');
  expect(parse('--snapshotter', 'erofs')).toBe('erofs');
  expect(() => parse('--snapshotter', 'zfs')).toThrow(
    '--snapshotter "zfs": must be one of overlay, copy, erofs, auto',
  );
});
