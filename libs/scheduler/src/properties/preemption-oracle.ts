import type { NodeInput, PodInput } from '../input.js';
import { oracleFits, type World } from './oracle.js';

/** A budget of this test: pods of one app in one namespace, and how many of them may go. */
export interface AppBudget {
  readonly namespace: string;
  readonly app: string;
  readonly allowed: number;
}

export interface PreemptionWorld extends World {
  readonly budgets: readonly AppBudget[];
  /** Names of pods that are ending. */
  readonly ending: ReadonlySet<string>;
}

/** [violated budgets, highest priority, count, sum of priorities] of a set of victims. */
export type OracleCost = readonly [number, number, number, number];

export interface OracleVictims {
  readonly names: readonly string[];
  readonly cost: OracleCost;
}

export const priorityOf = (pod: PodInput) => pod.spec.priority ?? 0;

function costOf(victims: readonly PodInput[], { budgets }: PreemptionWorld): OracleCost {
  let violated = 0;
  for (const { namespace, app, allowed } of budgets) {
    const taken = victims.filter(
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.['app'] === app,
    );
    violated += Math.max(0, taken.length - allowed);
  }
  const priorities = victims.map(priorityOf);
  const sum = priorities.reduce((a, b) => a + b, 0);
  return [violated, Math.max(-Infinity, ...priorities), victims.length, sum];
}

/** Below 0 when `a` is cheaper. */
export function compareOracleCosts(a: OracleCost, b: OracleCost): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}

/** Every set of pods of lower priority whose going lets the pod onto the node, by trying all of them. */
export function sufficientSets(
  world: PreemptionWorld,
  pod: PodInput,
  node: NodeInput,
): OracleVictims[] {
  const there = world.pods.filter((p) => p.spec.nodeName === node.metadata.name);
  const ending = there.filter((p) => world.ending.has(p.metadata.name!));
  const lower = there.filter((p) => !ending.includes(p) && priorityOf(p) < priorityOf(pod));
  const found: OracleVictims[] = [];
  // A node on which nothing is less important is nobody's to clear, whoever is ending there.
  if (there.every((p) => priorityOf(p) >= priorityOf(pod))) return found;
  for (let bits = 0; bits < 2 ** lower.length; bits++) {
    const victims = lower.filter((_, i) => (bits >> i) & 1);
    const gone = new Set([...victims, ...ending]);
    const left = { nodes: world.nodes, pods: world.pods.filter((p) => !gone.has(p)) };
    if (!oracleFits(left, pod, node)) continue;
    found.push({ names: victims.map((v) => v.metadata.name!), cost: costOf(victims, world) });
  }
  return found;
}
