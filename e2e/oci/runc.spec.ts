import { expect, test } from 'vitest';
import { run } from '../cluster/process.ts';
import { buildTests, crate } from './build-tests.ts';

// The table of docs/config-json.md: a row that fails on the runtime that everybody knows would prove nothing of ours.
test('every property of config.json that runc has passes the same test there', async () => {
  const program = buildTests().get('config_json')!;
  const env = { ...process.env, GANTRY_RUNTIME_UNDER_TEST: '/usr/sbin/runc' };
  const outcome = await run([program, '--test-threads=1'], { cwd: crate, env });
  expect(outcome.stdout).toMatch(/test result: ok\. 2 passed; 0 failed/);
  expect(outcome.code).toBe(0);
}, 300_000);
