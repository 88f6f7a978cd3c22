import { expect, test } from 'vitest';
import { buildTests, crate } from '../oci/build-tests.ts';
import { runInGuest } from './guest.ts';

/** Tests that the guest's kernel cannot carry, with what it lacks. Each runs on the host's kernel. */
const beyondTheGuest = {
  a_hierarchy_is_joined_when_a_limit_names_it: 'the cpuset controller',
  a_time_namespace_has_its_offsets: 'time namespaces',
  a_busy_loop_stays_within_its_quota: 'clock ticks finer than the quota that is measured',
  cve_2016_9962: 'a second processor, on which the attacker would watch',
  cve_2021_30465_nor: 'a second processor, on which the attacker would swap the link',
  cve_2024_45310: 'a second processor, likewise',
};

test.each(['lifecycle', 'limits', 'process', 'escapes'])(
  'the runtime on a real cgroup v2: %s',
  async (name) => {
    const program = buildTests().get(name);
    const skips = Object.keys(beyondTheGuest)
      .map((skipped) => `--skip ${skipped}`)
      .join(' ');
    const outcome = await runInGuest(`cd ${crate} && ${program} --test-threads=1 ${skips}`);
    expect(outcome.stdout).toMatch(/test result: ok\. [1-9]\d* passed; 0 failed/);
    expect(outcome.code).toBe(0);
  },
  300_000,
);
