import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeBundle } from './bundle.js';
import { defaultSpec, loadDefaultSeccomp } from './default-spec.js';

const dockerCapabilities = [
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP',
  'SETGID SETPCAP SETUID SYS_CHROOT',
].flatMap((line) => line.split(' ').map((name) => `CAP_${name}`));

test('is as strict as Docker or stricter', () => {
  const { process, linux, mounts } = defaultSpec();
  for (const set of [process.capabilities?.bounding, process.capabilities?.permitted]) {
    expect(dockerCapabilities).toEqual(expect.arrayContaining(set!));
  }
  expect(process.capabilities?.inheritable ?? []).toEqual([]);
  expect(process.capabilities?.ambient ?? []).toEqual([]);
  expect(process.noNewPrivileges).toBe(true);
  expect(linux.maskedPaths).toEqual(expect.arrayContaining(['/proc/kcore', '/sys/firmware']));
  expect(linux.readonlyPaths).toContain('/proc/sys');
  expect(linux.resources?.devices?.[0]).toEqual({ allow: false, access: 'rwm' });
  for (const path of ['/sys', '/sys/fs/cgroup']) {
    expect(mounts.find((mount) => mount.destination === path)?.options).toContain('ro');
  }
});

test('is fresh each time', () => {
  const first = defaultSpec();
  first.mounts.pop();
  first.process.capabilities!.bounding!.push('CAP_SYS_ADMIN');
  first.linux.maskedPaths!.pop();
  expect(defaultSpec()).not.toEqual(first);
  expect(defaultSpec().process.capabilities!.bounding).not.toContain('CAP_SYS_ADMIN');
});

test('takes the seccomp profile that is installed beside the binaries', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gantry-native-'));
  const profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [] };
  await expect(loadDefaultSeccomp(dir)).rejects.toThrow(/default-seccomp.json is missing/);
  await writeFile(join(dir, 'default-seccomp.json'), JSON.stringify(profile));
  const seccomp = await loadDefaultSeccomp(dir);
  expect(defaultSpec({ seccomp }).linux.seccomp).toEqual(profile);
  expect(defaultSpec().linux.seccomp).toBeUndefined();
  await writeFile(join(dir, 'default-seccomp.json'), '{"syscalls": 1}');
  await expect(loadDefaultSeccomp(dir)).rejects.toThrow('is not a profile');
  await rm(dir, { recursive: true });
});

test('a bundle is written whole, for root alone, and replaces an earlier one', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gantry-bundle-'));
  const spec = defaultSpec();
  await writeBundle(join(dir, 'b'), spec);
  spec.hostname = 'second';
  await writeBundle(join(dir, 'b'), spec);
  const config = join(dir, 'b/config.json');
  expect(JSON.parse(await readFile(config, 'utf8'))).toEqual(spec);
  expect((await stat(config)).mode & 0o777).toBe(0o600);
  expect((await stat(join(dir, 'b/rootfs'))).isDirectory()).toBe(true);
  await rm(dir, { recursive: true });
});
