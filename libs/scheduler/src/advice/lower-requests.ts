import { amountText, exactQuantity, resourceLabel } from '../amount-text.js';
import type { ContainerInput, PodInput, PodSpecInput } from '../input.js';
import { amountsOf, containerRequests } from '../requests.js';
import type { Change } from './change.js';
import type { Rehearsal } from './rehearsal.js';

/** Different ways to cut that are told; candidates that are tried for them. */
const maxAlternatives = 2;
const maxTried = 8;

interface Cut {
  readonly node: string;
  /** What each short resource may be at most on that node. */
  readonly to: ReadonlyMap<string, number>;
  readonly asked: ReadonlyMap<string, number>;
  readonly largest: number;
  readonly sum: number;
}

/** Lower the requests so far that they fit a node that lacks nothing else; the least cut first. */
export function lowerRequests(rehearsal: Rehearsal): Change[] {
  const changes: Change[] = [];
  for (const cut of leastCuts(rehearsal).slice(0, maxTried)) {
    const pod = lowered(rehearsal.pod, cut.to);
    const node = pod && rehearsal.nodeFor(pod);
    if (node) changes.push(changeOf(cut, node));
    if (changes.length === maxAlternatives) break;
  }
  return changes;
}

/** Cuts that no other one undercuts in every resource, the smallest first. */
function leastCuts(rehearsal: Rehearsal): Cut[] {
  const all = rehearsal
    .refusedOnlyBy(['resources'])
    .flatMap(({ node, refusals }) => {
      const shortages = refusals.map((refusal) => refusal.shortage!);
      if (shortages.some(({ free, resource }) => free <= 0 || resource === 'pods')) return [];
      const cuts = shortages.map(({ free, asked }) => 1 - free / asked);
      const to = new Map(shortages.map(({ resource, free }) => [resource, free]));
      const asked = new Map(shortages.map((shortage) => [shortage.resource, shortage.asked]));
      const sum = cuts.reduce((a, b) => a + b, 0);
      return [{ node, to, asked, largest: Math.max(...cuts), sum }];
    })
    .sort((a, b) => a.largest - b.largest || a.sum - b.sum);
  const kept: Cut[] = [];
  for (const cut of all) {
    if (kept.length === maxTried) break;
    if (!kept.some((other) => isAtMost(other, cut))) kept.push(cut);
  }
  return kept;
}

/** Whether `a` cuts nothing deeper than `b` does. */
function isAtMost(a: Cut, b: Cut): boolean {
  return [...a.to].every(([resource, amount]) => amount >= (b.to.get(resource) ?? Infinity));
}

function changeOf({ to, node: roomy }: Cut, node: string): Change {
  const parts = [...to].map(
    ([resource, amount]) => `${resourceLabel(resource)} to ${amountText(resource, amount)}`,
  );
  const [resource, amount] = [...to][0]!;
  const text =
    to.size === 1
      ? `lower the ${resourceLabel(resource)} request to ${amountText(resource, amount)}`
      : `lower the requests (${parts.join(', ')}) to fit ${roomy}`;
  const requests = Object.fromEntries(
    [...to].map(([name, exact]) => [name, exactQuantity(name, exact)]),
  );
  return { type: 'lower-requests', text, node, requests };
}

/** The pod with its requests in total at most these; undefined when its overhead alone is more. */
export function lowered(pod: PodInput, to: ReadonlyMap<string, number>): PodInput | undefined {
  let { spec } = pod;
  for (const [resource, amount] of to) {
    const overhead = amountsOf(spec.overhead).get(resource) ?? 0;
    if (amount < overhead) return undefined;
    spec = withinBudget(spec, resource, amount - overhead);
  }
  return { ...pod, spec };
}

const isSidecar = (container: ContainerInput) => container.restartPolicy === 'Always';

/** Takes what is too much from the containers that ask for most. */
function withinBudget(spec: PodSpecInput, resource: string, budget: number): PodSpecInput {
  const asked = (container: ContainerInput) => containerRequests(container).get(resource) ?? 0;
  const initContainers = spec.initContainers ?? [];
  const lasting = [...spec.containers, ...initContainers.filter(isSidecar)];
  const amounts = new Map(lasting.map((container) => [container, asked(container)]));
  let excess = [...amounts.values()].reduce((a, b) => a + b, 0) - budget;
  for (const [container, amount] of [...amounts].sort((a, b) => b[1] - a[1])) {
    if (excess <= 0) break;
    amounts.set(container, Math.max(0, amount - excess));
    excess -= amount;
  }
  let sidecars = 0;
  for (const container of initContainers) {
    if (isSidecar(container)) sidecars += amounts.get(container)!;
    else amounts.set(container, Math.min(asked(container), budget - sidecars));
  }
  const changed = (container: ContainerInput): ContainerInput => {
    const amount = amounts.get(container)!;
    if (amount === asked(container)) return container;
    const requests = {
      ...container.resources?.requests,
      [resource]: exactQuantity(resource, amount),
    };
    return { ...container, resources: { ...container.resources, requests } };
  };
  return {
    ...spec,
    containers: spec.containers.map(changed),
    ...(spec.initContainers ? { initContainers: initContainers.map(changed) } : {}),
  };
}
