import type { PodInput, PodSpecInput, TaintInput, TolerationInput } from '../input.js';
import { taintText, tolerates } from '../tolerations.js';
import type { Change } from './change.js';
import { pruned, type Rehearsal } from './rehearsal.js';
import { relaxableTerms, relaxed, type Term } from './terms.js';

/** Single terms of which each alone would do, that are told. */
const maxRelaxations = 2;
/** Nodes that are tried for tolerations. */
const maxTried = 16;

export function tolerating(pod: PodInput, tolerations: readonly TolerationInput[]): PodInput {
  const all = [...(pod.spec.tolerations ?? []), ...tolerations];
  return { ...pod, spec: { ...pod.spec, tolerations: all } };
}

/** Tolerate what a node is tainted with; the fewest taints first. Troubles of the node itself are not asked for. */
export function tolerate(rehearsal: Rehearsal): Change[] {
  const { pod } = rehearsal;
  const candidates = rehearsal
    .refusedOnlyBy(['taints'])
    .map(({ node }) => untolerated(pod.spec, rehearsal.traitsOf(node).taints))
    .filter((taints) => taints.every(({ key }) => !key.startsWith('node.kubernetes.io/')))
    .sort((a, b) => a.length - b.length);
  const nodeFor = (taints: readonly TaintInput[]) =>
    rehearsal.nodeFor(tolerating(pod, taints.map(tolerationOf)));
  for (const all of candidates.slice(0, maxTried)) {
    if (nodeFor(all) === undefined) continue;
    const taints = pruned(all, (left) => nodeFor(left) !== undefined);
    const node = nodeFor(taints)!;
    const named = taints.map((taint) => `taint ${taintText(taint)}`).join(' and ');
    const text = `tolerate ${named} to allow ${node}`;
    return [{ type: 'tolerate', text, node, tolerations: taints.map(tolerationOf) }];
  }
  return [];
}

function untolerated({ tolerations = [] }: PodSpecInput, taints: readonly TaintInput[]) {
  return taints.filter(
    (taint) =>
      taint.effect !== 'PreferNoSchedule' && !tolerations.some((each) => tolerates(each, taint)),
  );
}

function tolerationOf({ key, value, effect }: TaintInput): TolerationInput {
  return value ? { key, operator: 'Equal', value, effect } : { key, operator: 'Exists', effect };
}

/** Drop a term of the pod's wishes about nodes and other pods; several only where no single one would do. */
export function relax(rehearsal: Rehearsal): Change[] {
  const { pod } = rehearsal;
  const terms = relaxableTerms(pod.spec);
  const nodeWithout = (gone: readonly Term[]) =>
    rehearsal.nodeFor({ ...pod, spec: relaxed(pod.spec, gone) });
  const changes: Change[] = [];
  for (const term of terms) {
    const node = nodeWithout([term]);
    if (node !== undefined) changes.push(changeOf([term], node));
    if (changes.length === maxRelaxations) return changes;
  }
  if (changes.length > 0 || nodeWithout(terms) === undefined) return changes;
  const needed = pruned(terms, (left) => nodeWithout(left) !== undefined);
  return [changeOf(needed, nodeWithout(needed)!)];
}

function changeOf(terms: readonly Term[], node: string): Change {
  const text = terms.map((term) => term.text).join(' and ');
  return { type: 'relax', text, node, terms: terms.map(({ path }) => path) };
}
