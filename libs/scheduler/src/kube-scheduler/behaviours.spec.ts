import { describe, expect, test } from 'vitest';
import { node, pod } from '../fixtures.js';
import type { PodInput } from '../input.js';
import { mayPreempt, preempt } from '../preemption/preempt.js';
import { customProfile, profiles } from '../profile.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot, uidOf } from '../snapshot.js';
import type { Behaviour } from './behaviour.js';
import { hostPortBehaviours } from './host-ports.js';
import { imageBehaviours } from './images.js';
import { interPodBehaviours } from './inter-pod-affinity.js';
import { nodeLabelBehaviours } from './node-labels.js';
import { preemptionBehaviours } from './preemption.js';
import { resourceBehaviours } from './resources.js';
import { scoreBehaviours } from './scores.js';
import { taintBehaviours } from './taints.js';
import { spreadBehaviours } from './topology-spread.js';
import { volumeBehaviours } from './volumes.js';

const tables: Readonly<Record<string, readonly Behaviour[]>> = {
  resources: resourceBehaviours,
  'node labels and names': nodeLabelBehaviours,
  taints: taintBehaviours,
  'host ports': hostPortBehaviours,
  'pod affinity': interPodBehaviours,
  'topology spread': spreadBehaviours,
  volumes: volumeBehaviours,
  images: imageBehaviours,
  scores: scoreBehaviours,
  preemption: preemptionBehaviours,
};

function schedulerOf(behaviour: Behaviour): Scheduler {
  const { nodes, placed = [], namespaces = {}, profile = 'bin-pack', weights } = behaviour;
  const snapshot = new Snapshot();
  for (const [name, labels] of Object.entries(namespaces)) snapshot.setNamespace(name, labels);
  for (const fixture of nodes) snapshot.setNode(node(fixture));
  for (const fixture of placed) snapshot.setPod(pod(fixture));
  return new Scheduler(snapshot, weights ? customProfile(profile, { weights }) : profiles[profile]);
}

/** Pods start in the order in which they stand; the label `budget` says how many of its pods may go. */
function victimsOf({ placed = [] }: Behaviour, scheduler: Scheduler, asked: PodInput): string {
  if (!mayPreempt(asked.spec)) return '-';
  const { snapshot, profile } = scheduler;
  const pods = placed.map(pod);
  const names = new Map(pods.map((p) => [uidOf(p), p.metadata.name!]));
  const facts = new Map(pods.map((p, i) => [uidOf(p), { startMs: i, isEnding: false }]));
  const budgets = ['0', '1'].map((budget) => ({
    namespace: 'default',
    selector: { matchLabels: { budget } },
    allowed: Number(budget),
  }));
  const found = preempt(snapshot, profile, snapshot.handle(asked), {
    tenants: () => facts,
    budgets,
  });
  if (!found) return '-';
  const victims = found.victims.map(({ uid }) => names.get(uid)!).sort();
  return `${found.node}: ${victims.join(' ')}`;
}

describe.each(Object.entries(tables))('kube-scheduler: %s', (_table, behaviours) => {
  test.each(behaviours.map((behaviour) => [behaviour.title, behaviour] as const))(
    '%s',
    (_title, behaviour) => {
      const scheduler = schedulerOf(behaviour);
      const asked = pod({ name: 'asked', ...behaviour.pod });
      const answer = {
        ...(behaviour.fits === undefined
          ? {}
          : {
              fits: scheduler
                .explain(asked)
                .nodes.flatMap(({ name, fits }) => (fits ? [name] : []))
                .join(' '),
            }),
        ...(behaviour.best === undefined ? {} : { best: scheduler.schedule(asked).node ?? '-' }),
        ...(behaviour.victims === undefined
          ? {}
          : { victims: victimsOf(behaviour, scheduler, asked) }),
      };
      const { fits, best, victims } = behaviour;
      const wanted = Object.entries({ fits, best, victims }).filter(([, v]) => v !== undefined);
      expect(answer).toEqual(Object.fromEntries(wanted));
      if (fits === undefined) return;
      // What is chosen is one of those that fit.
      const { node: chosen } = scheduler.schedule(asked);
      expect(chosen === undefined ? [''] : fits.split(' ')).toContain(chosen ?? '');
    },
  );
});

test('the table is large, asks something in every row, and names where each row comes from', () => {
  const rows = Object.values(tables).flat();
  expect(rows.length).toBeGreaterThanOrEqual(120);
  for (const { title, source, fits, best, victims } of rows) {
    expect(source, title).toMatch(/\S/);
    expect(
      [fits, best, victims].some((answer) => answer !== undefined),
      title,
    ).toBe(true);
  }
  const titles = Object.entries(tables).flatMap(([table, list]) =>
    list.map(({ title }) => `${table}: ${title}`),
  );
  expect(new Set(titles).size).toBe(titles.length);
});
