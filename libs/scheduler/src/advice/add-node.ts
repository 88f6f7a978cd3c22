import { amountText, exactQuantity } from '../amount-text.js';
import type { NodeInput, PodInput } from '../input.js';
import { podsColumn } from '../resource-table.js';
import { missingLabels } from './mend-node.js';
import type { Change } from './change.js';
import type { Rehearsal } from './rehearsal.js';

/** Values tried for one topology label of the new node, and combinations of them in all. */
const maxValues = 6;
const maxCombinations = 64;
const required = 'requiredDuringSchedulingIgnoredDuringExecution';

/** The smallest node that would take the pod: just its requests, with the labels that it asks for. */
export function addNode(rehearsal: Rehearsal): Change[] {
  const { pod, snapshot } = rehearsal;
  const { ask } = rehearsal.handle.podClass;
  const { names } = snapshot.nodes.resources;
  const sizes = [...ask.columns].map((column, i) => [names[column]!, ask.amounts[i]!] as const);
  const allocatable = Object.fromEntries(
    sizes.map(([name, amount]) => [name, exactQuantity(name, amount)]),
  );
  const asked = missingLabels(pod, {});
  if (!asked) return [];
  const base = Object.entries(asked).flatMap(([key, value]) =>
    value === null ? [] : [[key, value]],
  );
  for (const topology of combinations(rehearsal, topologyKeys(pod))) {
    const labels = { ...topology, ...Object.fromEntries(base) } as Record<string, string>;
    const node = newNode(rehearsal, allocatable, labels);
    if (!snapshot.withNode(node, (slot) => rehearsal.fitsOn(slot))) continue;
    const named = onlyNeeded(labels);
    const needs = sizes
      .filter(([name]) => name !== names[podsColumn])
      .map(([name, amount]) => `${amountText(name, amount)} ${name}`);
    const room = needs.length > 0 ? ` with ${needs.join(' and ')} free` : '';
    const marks = Object.entries(named).map(([key, value]) => `${key}=${value}`);
    const labelled = marks.length > 0 ? `, labelled ${marks.join(',')}` : '';
    const text = `add a node${room}${labelled}`;
    return [{ type: 'add-node', text, node: node.metadata.name!, allocatable, labels: named }];
  }
  return [];
}

const hostname = 'kubernetes.io/hostname';

/** Every node gets a host name of its own; that need not be asked for. */
function onlyNeeded(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => key !== hostname));
}

function newNode(
  { snapshot }: Rehearsal,
  allocatable: Record<string, string>,
  labels: Record<string, string>,
): NodeInput {
  let name = 'new-node';
  while (snapshot.nodes.slot(name) !== undefined) name += '-x';
  return {
    metadata: { name, labels: { [hostname]: name, ...labels } },
    status: { allocatable },
  };
}

function topologyKeys({ spec }: PodInput): string[] {
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const terms = [...(podAffinity?.[required] ?? []), ...(podAntiAffinity?.[required] ?? [])];
  const spread = spec.topologySpreadConstraints ?? [];
  const hard = spread.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule');
  const keys = [...terms, ...hard].map(({ topologyKey }) => topologyKey);
  return [...new Set(keys)].filter((key) => key !== hostname);
}

/** A new value and those that nodes have, for each key. */
function* combinations(
  { snapshot }: Rehearsal,
  keys: readonly string[],
): Generator<Record<string, string>> {
  const values = keys.map((key) => {
    const known = new Set<string>();
    for (const slot of snapshot.nodes) {
      const value = snapshot.nodes.traits[slot]!.labels[key];
      if (value !== undefined) known.add(value);
      if (known.size === maxValues) break;
    }
    return [...known, 'new'];
  });
  const count = values.reduce((product, list) => product * list.length, 1);
  for (let i = 0; i < Math.min(count, maxCombinations); i++) {
    let rest = i;
    const labels = keys.map((key, k) => {
      const list = values[k]!;
      const value = list[rest % list.length]!;
      rest = Math.floor(rest / list.length);
      return [key, value] as const;
    });
    yield Object.fromEntries(labels);
  }
}
