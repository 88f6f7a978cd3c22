import { expect, test } from 'vitest';
import { buildTests, crate } from '../oci/build-tests.ts';
import { runInGuest } from './guest.ts';

/** What needs a kernel that the guest's is not: cpuset, time namespaces, fine clock ticks, a fast processor. */
const beyondTheGuest = [
  'a_hierarchy_is_joined_when_a_limit_names_it',
  'a_time_namespace_has_its_offsets',
  'a_busy_loop_stays_within_its_quota',
  'cve_2016_9962',
  'cve_2021_30465_nor',
];

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
