import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLogger, systemClock } from '@gantry/base';
import { replay, uidOf, type Operation, type PodInput } from '@gantry/scheduler';
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
