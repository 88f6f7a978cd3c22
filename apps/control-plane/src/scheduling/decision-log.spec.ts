import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLogger, systemClock } from '@gantry/base';
import { replay, uidOf, type Operation, type PodInput } from '@gantry/scheduler';
import { ManualClock } from '@gantry/testing';
import { DecisionLog } from './decision-log.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gantry-decisions-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const pod = (name: string): PodInput => ({
  metadata: { name, namespace: 'default', uid: name },
  spec: { containers: [{ resources: { requests: { cpu: '100m' } } }] },
});

async function operations(file: string): Promise<Operation[]> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Operation);
}

/** Places pods and lets every third one go, as a cluster does in a day. */
function work({ scheduler }: DecisionLog, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const handle = scheduler.snapshot.handle(pod(`p${i}`));
    const { node, slot } = scheduler.decide(handle);
    if (node !== undefined) scheduler.snapshot.hold(uidOf(pod(`p${i}`)), handle, slot);
    if (i % 3 > 0) scheduler.snapshot.removePod(`p${i}`);
  }
}

test('each of its files replays by itself, and there are never more than two', async () => {
  const file = join(directory, 'decisions.ndjson');
  const options = { file, clock: systemClock, logger: silentLogger, maxFileBytes: 20_000 };
  const log = new DecisionLog(options);
  for (const name of ['a', 'b']) {
    const allocatable = { cpu: '16', memory: '8Gi', pods: '200' };
    log.scheduler.snapshot.setNode({ metadata: { name }, status: { allocatable } });
  }
  for (let i = 0; i < 12; i++) {
    work(log, i * 20, i * 20 + 20);
    await log.close();
  }
  const [older, newer] = [await operations(`${file}.1`), await operations(file)];
  for (const each of [older, newer]) {
    const report = replay(each);
    expect(report.divergence).toBeUndefined();
    expect(report.decisions).toBeGreaterThan(10);
  }
  expect(newer.filter(({ op }) => op === 'start')).toHaveLength(1);
});

test('begins anew by itself when it can be written again, and says once why it could not', async () => {
  const folder = join(directory, 'missing');
  const file = join(folder, 'decisions.ndjson');
  const clock = new ManualClock();
  const warnings: string[] = [];
  const warn = (fields: object, message: string) =>
    warnings.push(`${(fields as { file: string }).file}: ${message}`);
  const log = new DecisionLog({ file, clock, logger: { ...silentLogger, warn } });
  log.scheduler.snapshot.setNode({
    metadata: { name: 'a' },
    status: { allocatable: { cpu: '4' } },
  });
  const waits = () => vi.waitFor(() => expect(clock.pending).toBe(1));
  const flushes = async () => {
    await waits();
    clock.advance(60_000);
  };
  await flushes();
  await vi.waitFor(() => expect(warnings).toHaveLength(1));
  await flushes();
  expect(warnings[0]).toMatch(`${file}: decision log: it cannot be written: ENOENT`);
  expect(warnings[0]).toContain('see to the disk, or name another file with --decision-log');
  await waits();
  expect(warnings).toHaveLength(1);
  await mkdir(folder);
  await flushes();
  await vi.waitFor(async () => {
    const told = await operations(file);
    expect(told.map(({ op }) => op)).toContain('start');
    expect(JSON.stringify(told)).toContain('"name":"a"');
  });
  await log.close();
});
