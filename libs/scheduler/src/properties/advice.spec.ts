import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change } from '../advice/change.js';
import type { NodeInput, PodInput } from '../input.js';
import { podRequests } from '../requests.js';
import { lives, podArbitrary } from './churn.js';
import { Life } from './life.js';
import { oracleFits, requestOf, type World } from './oracle.js';

/** The world and the pod as they would be after a change, made from plain objects alone. */
interface Changed {
  readonly world: World;
  readonly pod: PodInput;
}

const fitsSomewhere = ({ world, pod }: Changed) =>
  world.nodes.some((node) => oracleFits(world, pod, node));

const fitsOn = ({ world, pod }: Changed, name: string) =>
  world.nodes.some((node) => node.metadata.name === name && oracleFits(world, pod, node));

function withNode(world: World, name: string, edit: (node: NodeInput) => NodeInput): World {
  const nodes = world.nodes.map((node) => (node.metadata.name === name ? edit(node) : node));
  return { ...world, nodes };
}

/** One container that asks for all of it. */
function asking(pod: PodInput, amounts: Readonly<Record<string, number>>): PodInput {
  const all = [...podRequests(pod.spec).keys()].filter((name) => name !== 'pods');
  const requests = Object.fromEntries(all.map((name) => [name, requestOf(pod, name)]));
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? []);
  const containers = [{ resources: { requests: { ...requests, ...amounts } }, ports }];
  return { ...pod, spec: { ...pod.spec, containers, initContainers: [], overhead: {} } };
}

function without(pod: PodInput, paths: readonly string[]): PodInput {
  const copy = structuredClone(pod) as unknown as { spec: Record<string, never> };
  for (const path of paths) forget(copy, path);
  return JSON.parse(JSON.stringify(copy), (_, value) =>
    Array.isArray(value) ? value.filter((item) => item !== null) : value,
  ) as PodInput;
}

/** Follows a path such as `spec.affinity.podAffinity.required…[0]` and takes away what is there. */
function forget(root: object, path: string): void {
  const steps = path.match(/[^.[\]]+/g)!;
  let at = root as Record<string, unknown>;
  for (const step of steps.slice(0, -1)) at = at[step] as Record<string, unknown>;
  const last = steps.at(-1)!;
  const isSpread = path.includes('topologySpreadConstraints');
  if (isSpread) (at[last] as Record<string, unknown>)['whenUnsatisfiable'] = 'ScheduleAnyway';
  else at[last] = undefined;
}

/** Carries a change out on plain objects. */
function apply({ world, pod }: Changed, change: Change): Changed {
  switch (change.type) {
    case 'lower-requests': {
      const entries = Object.entries(change.requests).map(([k, v]) => [k, Number(v)]);
      return { world, pod: asking(pod, Object.fromEntries(entries)) };
    }
    case 'uncordon':
      return {
        pod,
        world: withNode(world, change.node, (node) => ({
          ...node,
          spec: { ...node.spec, unschedulable: false },
        })),
      };
    case 'label-node': {
      const edit = (node: NodeInput) => {
        const labels = { ...node.metadata.labels, ...change.labels };
        const kept = Object.entries(labels).filter(([, value]) => value !== null);
        const metadata = { ...node.metadata, labels: Object.fromEntries(kept) as never };
        return { ...node, metadata };
      };
      return { pod, world: withNode(world, change.node, edit) };
    }
    case 'tolerate': {
      const tolerations = [...(pod.spec.tolerations ?? []), ...change.tolerations];
      return { world, pod: { ...pod, spec: { ...pod.spec, tolerations } } };
    }
    case 'relax':
      return { world, pod: without(pod, change.terms) };
    case 'drain': {
      const pods = world.pods.filter((p) => !change.pods.includes(p.metadata.uid!));
      return { pod, world: { ...world, pods } };
    }
    case 'add-node': {
      const { node: name, allocatable, labels } = change;
      const node = { metadata: { name, labels: { ...labels } }, status: { allocatable } };
      return { pod, world: { ...world, nodes: [...world.nodes, node] } };
    }
    case 'restore-node':
      throw new Error('no node of these lives is in trouble');
  }
}

/** The changes that are smaller by one step: none of them may do. */
function smaller(change: Change): Change[] {
  const leaveOut = <T>(items: readonly T[]) => items.map((item) => items.filter((i) => i !== item));
  switch (change.type) {
    case 'lower-requests':
      return Object.entries(change.requests).map(([name, amount]) => ({
        ...change,
        requests: { ...change.requests, [name]: String(Number(amount) + 1) },
      }));
    case 'label-node':
      return leaveOut(Object.keys(change.labels)).map((keys) => ({
        ...change,
        labels: Object.fromEntries(keys.map((key) => [key, change.labels[key]!])),
      }));
    case 'tolerate':
      return leaveOut(change.tolerations).map((tolerations) => ({ ...change, tolerations }));
    case 'relax':
      return leaveOut(change.terms).map((terms) => ({ ...change, terms }));
    case 'drain':
      return leaveOut(change.pods).map((pods) => ({ ...change, pods }));
    case 'add-node':
      return Object.entries(change.allocatable).map(([name, amount]) => ({
        ...change,
        allocatable: { ...change.allocatable, [name]: Number(amount) - 1 },
      }));
    case 'uncordon':
    case 'restore-node':
      return [];
  }
}

const seen = new Set<string>();

function holdToOracle(life: Life, pod: PodInput): void {
  const before: Changed = { world: life.world, pod };
  if (fitsSomewhere(before)) return;
  const { version } = life.snapshot;
  const { changes } = life.scheduler.explain(pod, { thorough: true });
  expect(life.snapshot.version).toBe(version);
  for (const change of changes) {
    seen.add(change.type);
    const isElsewhere = ['label-node', 'drain', 'add-node', 'uncordon'].includes(change.type);
    const fits = (other: Change) => {
      const after = apply(before, other);
      return isElsewhere ? fitsOn(after, change.node) : fitsSomewhere(after);
    };
    expect(fitsOn(apply(before, change), change.node), change.text).toBe(true);
    for (const less of smaller(change)) {
      expect(fits(less), `${change.text}, but ${JSON.stringify(less)} does too`).toBe(false);
    }
  }
}

test(
  'every suggested change makes the pod fit, and less of it does not',
  { timeout: 60_000 },
  () => {
    fc.assert(
      fc.property(
        lives(40),
        fc.array(podArbitrary, { minLength: 4, maxLength: 8 }),
        (steps, pods) => {
          const life = new Life();
          for (const step of steps) life.live(step, () => {});
          for (const { pod, assumed } of life.pods.values()) if (assumed) life.snapshot.setPod(pod);
          for (const pod of pods) holdToOracle(life, pod);
        },
      ),
      { numRuns: 300 },
    );
    // A property over changes that never come would say nothing.
    const types = [
      'add-node',
      'drain',
      'label-node',
      'lower-requests',
      'relax',
      'tolerate',
      'uncordon',
    ];
    expect([...seen].sort()).toEqual(types);
  },
);

test('looking for changes leaves no trace in later decisions', () => {
  fc.assert(
    fc.property(lives(30), podArbitrary, (steps, pod) => {
      const [asked, quiet] = [new Life(), new Life()];
      for (const step of steps) {
        const decisions: unknown[] = [];
        asked.scheduler.explain(pod, { thorough: true });
        asked.live(step, (_, { node }) => decisions.push(node));
        quiet.live(step, (_, { node }) => decisions.push(node));
        expect(decisions[0]).toBe(decisions[1]);
      }
    }),
    { numRuns: 60 },
  );
});
