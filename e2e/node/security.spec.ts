import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { main, PodBed, script } from './pod-bed.ts';

let bed: PodBed;
beforeAll(async () => {
  bed = await PodBed.start();
  const profiles = bed.host.path('data/seccomp');
  mkdirSync(profiles, { recursive: true });
  const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 };
  const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] };
  writeFileSync(`${profiles}/no-mkdir.json`, JSON.stringify(profile));
});
afterAll(() => bed?.host.close());
afterEach(() => bed.clear());

const status = (...fields: string[]) =>
  `while read name value; do case $name in ${fields.map((f) => `${f}:`).join('|')}) echo $name $value;; esac; done < /proc/self/status`;

async function said(name: string, text: string, own: object = {}, shared: object = {}) {
  const container = { securityContext: own };
  return bed.outputOf(name, text, { container, spec: { securityContext: shared } });
}

describe('seccomp by the names of Kubernetes', () => {
  const localhost = { type: 'Localhost', localhostProfile: 'no-mkdir.json' };
  const tried = `${status('Seccomp')}; mkdir /tmp/x 2>/dev/null && echo made || echo refused`;
  test.each<[string, object, object, string]>([
    ['nothing said is RuntimeDefault', {}, {}, 'Seccomp: 2\nmade\n'],
    [
      'Unconfined of the container',
      { seccompProfile: { type: 'Unconfined' } },
      {},
      'Seccomp: 0\nmade\n',
    ],
    ['Unconfined of the pod', {}, { seccompProfile: { type: 'Unconfined' } }, 'Seccomp: 0\nmade\n'],
    ['Localhost of the pod', {}, { seccompProfile: localhost }, 'Seccomp: 2\nrefused\n'],
    ['Localhost of the container', { seccompProfile: localhost }, {}, 'Seccomp: 2\nrefused\n'],
    [
      'the container against its pod',
      { seccompProfile: { type: 'RuntimeDefault' } },
      { seccompProfile: localhost },
      'Seccomp: 2\nmade\n',
    ],
    ['privileged is unconfined', { privileged: true }, {}, 'Seccomp: 0\nmade\n'],
  ])('%s', async (_, own, shared, expected) => {
    expect(await said('seccomp', tried, own, shared)).toBe(expected);
  });

  test('a profile that is not on the node is named', async () => {
    const seccompProfile = { type: 'Localhost', localhostProfile: 'absent.json' };
    await bed.run('absent', { container: { securityContext: { seccompProfile } } });
    await bed.host.podUntil('absent', 'refused', (pod) =>
      (main(pod).state.waiting?.message ?? '').includes('absent.json'),
    );
  });
});

describe('what a container may', () => {
  test('the default set, and what is added and dropped', async () => {
    const capabilities = { add: ['NET_ADMIN'], drop: ['CHOWN', 'SETUID'] };
    const text = status('CapEff', 'NoNewPrivs');
    expect(await said('plain', text)).toBe('CapEff: 00000000800405fb\nNoNewPrivs: 1\n');
    const added = await said('added', text, { capabilities });
    expect(added).toBe('CapEff: 000000008004157a\nNoNewPrivs: 1\n');
    const none = await said('none', text, { capabilities: { drop: ['ALL'] } });
    expect(none).toBe('CapEff: 0000000000000000\nNoNewPrivs: 1\n');
    const raised = await said('raised', text, { allowPrivilegeEscalation: true });
    expect(raised).toContain('NoNewPrivs: 0');
  });

  test('users and groups are those that were asked for', async () => {
    const shared = { runAsUser: 1234, runAsGroup: 2345, supplementalGroups: [3456], fsGroup: 4567 };
    expect(await said('groups', status('Uid', 'Gid', 'Groups'), {}, shared)).toBe(
      'Uid: 1234 1234 1234 1234\nGid: 2345 2345 2345 2345\nGroups: 3456 4567\n',
    );
  });

  test('files of the kernel are masked unless the pod asks for them', async () => {
    const text =
      'wc -c < /proc/timer_list; { echo 1 > /proc/sys/kernel/printk; } 2>&1 | grep -c Read-only; ' +
      'touch /x 2>&1 || true';
    const mask = 'stat -c %s /proc/keys; cat /proc/self/mountinfo';
    expect(await said('masked', mask)).toContain(' /proc/sys ');
    const open = { procMount: 'Unmasked' };
    expect(await said('unmasked', mask, open)).not.toContain(' /proc/sys ');
    expect(await said('readonly', text, { readOnlyRootFilesystem: true })).toContain(
      'Read-only file system',
    );
  });
});

describe('sysctls', () => {
  test('safe ones and those of the namespaces are set', async () => {
    const sysctls = [
      { name: 'net.ipv4.ip_local_port_range', value: '4000 5000' },
      { name: 'kernel.shm_rmid_forced', value: '1' },
    ];
    const text = 'cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced';
    expect(await said('sysctls', text, {}, { sysctls })).toBe('4000\t5000\n1\n');
  });

  test("one of the host's is refused with its name", async () => {
    const sysctls = [{ name: 'kernel.core_pattern', value: '|/bin/sh' }];
    await bed.run('host', { spec: { securityContext: { sysctls } } });
    await eventually('the event that says so', async () => {
      const events = await bed.host.must(['get', 'events', '-o', 'jsonpath={.items[*].message}']);
      return events.includes('"kernel.core_pattern" is not a sysctl of the sandbox');
    });
  });
});

test('an AppArmor profile on a host without AppArmor is refused, not ignored', async () => {
  const appArmorProfile = { type: 'Localhost', localhostProfile: 'strict' };
  await bed.run('armor', { container: { securityContext: { appArmorProfile } } });
  await bed.host.podUntil('armor', 'refused', (pod) =>
    (main(pod).state.waiting?.message ?? '').includes('appArmorProfile'),
  );
  const asked = { appArmorProfile: { type: 'Unconfined' } };
  expect(await said('free', 'echo ran', asked)).toBe('ran\n');
});

test('an agent that is killed while pods come up leaves nothing of them', async () => {
  for (let round = 0; round < 3; round += 1) {
    const names = ['a', 'b', 'c'].map((name) => `${name}${round}`);
    for (const name of names) await bed.run(name, { container: script('sleep 1000') });
    const begun = () => bed.traces().length > round;
    await eventually('the first traces of a pod', async () => begun(), 15_000);
    bed.host.killAgent();
    await bed.host.must(['delete', 'pod', ...names, '--wait=false']);
    bed.host.startAgent();
    await bed.host.agentReady();
    await eventually('nothing to be left', async () => (await bed.leftovers()).length === 0);
    const leases = await bed.host.inside([
      'sh',
      '-c',
      `ls ${bed.host.path('data/network/gantry')}`,
    ]);
    expect(leases.stdout).not.toMatch(/^10\./m);
    const attachments = await bed.host.inside(['ls', bed.host.path('data/network/attachments')]);
    expect(attachments.stdout).toBe('');
  }
});
