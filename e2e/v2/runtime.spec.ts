import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runInGuest } from './guest.ts';

const crate = join(import.meta.dirname, '../../native/crates/runtime');

/** What needs a kernel that the guest's is not: cpuset, time namespaces, fine clock ticks, a fast processor. */
const beyondTheGuest = [
  'a_hierarchy_is_joined_when_a_limit_names_it',
  'a_time_namespace_has_its_offsets',
  'a_busy_loop_stays_within_its_quota',
  'cve_2016_9962',
  'cve_2021_30465_nor',
];

interface Message {
  readonly executable?: string | null;
  readonly target?: { readonly name: string; readonly kind: readonly string[] };
}

/** Builds the runtime's privileged tests and returns their programs by name. */
function buildTests(): Map<string, string> {
  const argv = ['test', '-p', 'gantry-runtime', '--no-run', '--message-format=json'];
  const output = execFileSync('cargo', argv, {
    cwd: crate,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  });
  const messages = output.split('\n').filter((line) => line.startsWith('{'));
  const tests = messages
    .map((line) => JSON.parse(line) as Message)
    .filter((message) => message.executable && message.target?.kind.includes('test'));
  return new Map(tests.map(({ target, executable }) => [target!.name, executable!]));
}

test.each(['lifecycle', 'limits', 'process', 'escapes'])(
  'the runtime on a real cgroup v2: %s',
  async (name) => {
    const program = buildTests().get(name);
    const skips = beyondTheGuest.map((skipped) => `--skip ${skipped}`).join(' ');
    const outcome = await runInGuest(`cd ${crate} && ${program} --test-threads=1 ${skips}`);
    expect(outcome.stdout).toMatch(/test result: ok\. [1-9]\d* passed; 0 failed/);
    expect(outcome.code).toBe(0);
  },
  300_000,
);
