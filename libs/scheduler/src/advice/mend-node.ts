import { compileLabels, compileTerm, termMatches } from '../node-selector.js';
import type { Labels, NodeSelectorTermInput, PodInput, SelectorRequirement } from '../input.js';
import type { Change } from './change.js';
import { pruned, type Rehearsal } from './rehearsal.js';

/** Nodes that are tried for one kind of change. */
const maxTried = 16;

const cordonKey = 'node.kubernetes.io/unschedulable';
const troubles = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/** Uncordon a node that is full of room but closed. */
export function uncordon(rehearsal: Rehearsal): Change[] {
  for (const { node } of rehearsal.refusedOnlyBy(['unschedulable']).slice(0, maxTried)) {
    const taints = rehearsal.traitsOf(node).taints.filter(({ key }) => key !== cordonKey);
    if (rehearsal.fitsWithTraits(node, { unschedulable: false, taints })) {
      return [{ type: 'uncordon', text: `uncordon ${node}`, node }];
    }
  }
  return [];
}

/** Bring a node back whose condition alone keeps the pod off. */
export function restoreNode(rehearsal: Rehearsal): Change[] {
  const refused = rehearsal
    .refusedOnlyBy(['taints'])
    .filter(({ refusals }) => !refusals[0]!.reason.startsWith('taint '));
  for (const { node } of refused.slice(0, maxTried)) {
    const taints = rehearsal.traitsOf(node).taints.filter(({ key }) => !troubles.includes(key));
    if (rehearsal.fitsWithTraits(node, { taints })) {
      return [{ type: 'restore-node', text: `bring ${node} back`, node }];
    }
  }
  return [];
}

type LabelChange = Readonly<Record<string, string | null>>;

/** Label a node as the pod's nodeSelector and node affinity ask; the fewest labels first. */
export function labelNode(rehearsal: Rehearsal): Change[] {
  const candidates = rehearsal
    .refusedOnlyBy(['nodeAffinity'])
    .flatMap(({ node }) => {
      const labels = missingLabels(rehearsal.pod, rehearsal.traitsOf(node).labels);
      return labels ? [{ node, labels, count: Object.keys(labels).length }] : [];
    })
    .sort((a, b) => a.count - b.count);
  for (const { node, labels: all } of candidates.slice(0, maxTried)) {
    const fits = (keys: readonly string[]) => {
      const changed = relabelled(rehearsal.traitsOf(node).labels, only(all, keys));
      return rehearsal.fitsWithTraits(node, { labels: changed });
    };
    if (!fits(Object.keys(all))) continue;
    const labels = only(all, pruned(Object.keys(all), fits));
    return [{ type: 'label-node', text: labelText(node, labels), node, labels }];
  }
  return [];
}

function only(labels: LabelChange, keys: readonly string[]): LabelChange {
  return Object.fromEntries(keys.map((key) => [key, labels[key]!]));
}

export function relabelled(labels: Labels, change: LabelChange): Labels {
  const all = Object.entries({ ...labels, ...change });
  return Object.fromEntries(all.filter((pair): pair is [string, string] => pair[1] !== null));
}

function labelText(node: string, labels: LabelChange): string {
  const set = Object.entries(labels).filter(([, value]) => value !== null);
  const gone = Object.keys(labels).filter((key) => labels[key] === null);
  const parts = [
    set.length > 0 ? `label ${node} with ${set.map(([k, v]) => `${k}=${v}`).join(',')}` : '',
    gone.length > 0 ? `take the label ${gone.join(', ')} from ${node}` : '',
  ];
  return parts.filter(Boolean).join(' and ');
}

/** The fewest labels that satisfy nodeSelector and one affinity term; undefined when none can. */
export function missingLabels(pod: PodInput, labels: Labels): LabelChange | undefined {
  const selector = pod.spec.nodeSelector ?? {};
  const forSelector = Object.fromEntries(
    Object.entries(selector).filter(([key, value]) => labels[key] !== value),
  );
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return forSelector;
  const base = relabelled(labels, forSelector);
  const ways = required.nodeSelectorTerms
    .map((term) => labelsForTerm(term, base))
    .filter((way) => way !== undefined)
    .filter((way) => isSelected(selector, relabelled(base, way)))
    .sort((a, b) => Object.keys(a).length - Object.keys(b).length);
  return ways[0] && { ...forSelector, ...ways[0] };
}

function isSelected(selector: Labels, labels: Labels): boolean {
  const term = compileLabels(selector);
  return term.length === 0 || termMatches(term, { name: '', labels });
}

function labelsForTerm(term: NodeSelectorTermInput, labels: Labels): LabelChange | undefined {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchFields.length > 0 || matchExpressions.length === 0) return undefined;
  const change: Record<string, string | null> = {};
  for (const requirement of matchExpressions) {
    const single = { matchExpressions: [requirement] };
    const isMet = () =>
      termMatches(compileTerm(single), { name: '', labels: relabelled(labels, change) });
    if (!isMet()) change[requirement.key] = valueFor(requirement);
  }
  const whole = compileTerm({ matchExpressions });
  return termMatches(whole, { name: '', labels: relabelled(labels, change) }) ? change : undefined;
}

/** A value that meets one requirement that is not met. */
function valueFor({ operator, values = [] }: SelectorRequirement): string | null {
  const bound = /^-?\d{1,18}$/.test(values[0] ?? '') ? BigInt(values[0]!) : 0n;
  if (operator === 'In') return values[0] ?? null;
  if (operator === 'Exists') return 'true';
  if (operator === 'Gt') return String(bound + 1n);
  if (operator === 'Lt') return String(bound - 1n);
  return null;
}
