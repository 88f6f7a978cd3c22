import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { node, pod } from '../fixtures.js';
import { profiles, type ProfileName } from '../profile.js';
import { lives } from '../properties/churn.js';
import { uidOf } from '../snapshot.js';
import type { Step } from '../properties/churn.js';
import type { Operation } from './operation.js';
import { RecordingScheduler, RecordingSnapshot } from './recording.js';
import { replay } from './replay.js';

/** A recorded life: as the loop does it, pods are held by the handles that were decided on. */
class RecordedLife {
  readonly log: Operation[] = [];
  readonly snapshot = new RecordingSnapshot((operation) => this.log.push(reread(operation)));
  readonly scheduler: RecordingScheduler;
  private readonly pods: Parameters<RecordingSnapshot['setPod']>[0][] = [];

  constructor(profile: ProfileName) {
    this.log.push({ op: 'start', version: 1, profile, at: '2026-11-21T11:00:00Z' });
    const record = (operation: Operation) => void this.log.push(reread(operation));
    this.scheduler = new RecordingScheduler(this.snapshot, record, profiles[profile]);
  }

  live(step: Step): void {
    if (step.type === 'node') return this.snapshot.setNode(step.node);
    if (step.type === 'remove-node') return this.snapshot.removeNode(step.name);
    if (step.type === 'place') return this.place(step.pod);
    const chosen = this.pods[step.which % Math.max(1, this.pods.length)];
    if (!chosen) return;
    if (step.type === 'confirm') this.snapshot.setPod(chosen);
    else if (step.type === 'forget') this.snapshot.forget(uidOf(chosen));
    else if (step.type === 'remove') this.snapshot.removePod(uidOf(chosen));
    else this.snapshot.setPod({ ...chosen, status: { phase: 'Failed' } });
  }

  private place(asked: Parameters<RecordingSnapshot['setPod']>[0]): void {
    const handle = this.snapshot.handle(asked);
    const { node: chosen, slot, devices } = this.scheduler.decide(handle);
    if (chosen === undefined) return;
    this.snapshot.hold(uidOf(asked), handle, slot, devices);
    this.pods.push({ ...asked, spec: { ...asked.spec, nodeName: chosen } });
  }
}

/** As it comes out of a file. */
const reread = (operation: Operation) => JSON.parse(JSON.stringify(operation)) as Operation;

test.each(['bin-pack', 'spread'] as const)('%s: a log decides the same again', (profile) => {
  fc.assert(
    fc.property(lives(60), (steps) => {
      const life = new RecordedLife(profile);
      for (const step of steps) life.live(step);
      const report = replay(life.log);
      expect(report.divergence).toBeUndefined();
      expect(report.lines).toBe(life.log.length);
    }),
    { numRuns: 150 },
  );
});

test('the first decision that comes out otherwise is told, with its line', () => {
  const life = new RecordedLife('bin-pack');
  life.snapshot.setNode(node({ name: 'a' }));
  life.snapshot.setNode(node({ name: 'b' }));
  for (const name of ['p', 'q', 'r']) life.live({ type: 'place', pod: pod({ name }) });
  const at = life.log.findLastIndex(({ op }) => op === 'decide');
  const forged = life.log.with(at, { ...life.log[at]!, node: 'b' } as Operation);
  expect(replay(life.log)).toEqual({ lines: life.log.length, decisions: 3 });
  expect(replay(forged)).toMatchObject({
    decisions: 3,
    divergence: { line: at + 1, recorded: 'b', decided: 'a' },
  });
});

test('a log that is not whole is refused by line', () => {
  const start = { op: 'start', version: 1, profile: 'bin-pack', at: '' } as const;
  expect(() => replay([])).toThrow('the log is empty');
  expect(() => replay([{ op: 'remove', uid: 'u' }])).toThrow('line 1: the log does not begin');
  expect(() => replay([{ ...start, profile: 'x' }])).toThrow('of another program (profile x)');
  expect(() => replay([start, { op: 'decide', class: 7, node: null }])).toThrow('names class 7');
  expect(() => replay([start, { op: 'jump' } as never])).toThrow('unknown operation "jump"');
});
