import type {
  LabelSelectorInput,
  Labels,
  NodeInput,
  PodAffinityTermInput,
  PodInput,
  SelectorRequirement,
  TopologySpreadInput,
} from '../input.js';

/**
 * A second opinion on whether a pod fits a node: written from the documentation of the fields alone, with no
 * index, no cache and nothing shared with the scheduler. Slow and simple on purpose.
 */
export interface World {
  readonly nodes: readonly NodeInput[];
  /** Pods with their node in spec.nodeName. */
  readonly pods: readonly PodInput[];
}

/** What the pod asks for in all. Amounts in these tests are plain numbers of cores, bytes and pieces. */
export function requestOf(pod: PodInput, resource: string): number {
  if (resource === 'pods') return 1;
  let sum = 0;
  for (const c of pod.spec.containers) sum += Number(c.resources?.requests?.[resource] ?? 0);
  let peak = 0;
  for (const c of pod.spec.initContainers ?? []) {
    peak = Math.max(peak, Number(c.resources?.requests?.[resource] ?? 0));
  }
  return Math.max(sum, peak) + Number(pod.spec.overhead?.[resource] ?? 0);
}

function holds(r: SelectorRequirement, value: string | undefined): boolean {
  const values = r.values ?? [];
  switch (r.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && /^\d+$/.test(value) && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && /^\d+$/.test(value) && Number(value) < Number(values[0]);
    default:
      return false;
  }
}

function selects(selector: LabelSelectorInput | undefined, labels: Labels): boolean {
  if (!selector) return false;
  for (const [k, v] of Object.entries(selector.matchLabels ?? {}))
    if (labels[k] !== v) return false;
  return (selector.matchExpressions ?? []).every((r) => holds(r, labels[r.key]));
}

function labelsFit(pod: PodInput, node: NodeInput): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [k, v] of Object.entries(pod.spec.nodeSelector ?? {}))
    if (labels[k] !== v) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!required) return true;
  return required.nodeSelectorTerms.some((t) => {
    const expressions = t.matchExpressions ?? [];
    return expressions.length > 0 && expressions.every((r) => holds(r, labels[r.key]));
  });
}

function taintsFit(pod: PodInput, node: NodeInput): boolean {
  return (node.spec?.taints ?? []).every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      (pod.spec.tolerations ?? []).some(
        (t) =>
          (!t.effect || t.effect === taint.effect) &&
          ((t.operator === 'Exists' && (!t.key || t.key === taint.key)) ||
            (t.operator !== 'Exists' && t.key === taint.key && t.value === taint.value)),
      ),
  );
}

function onNode(world: World, node: NodeInput): PodInput[] {
  return world.pods.filter((p) => p.spec.nodeName === node.metadata.name);
}

function resourcesFit(world: World, pod: PodInput, node: NodeInput): boolean {
  const offers = node.status?.allocatable ?? {};
  const asked = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const names = new Set(asked.flatMap((c) => Object.keys(c.resources?.requests ?? {})));
  return [...names, 'pods', ...Object.keys(pod.spec.overhead ?? {})].every((name) => {
    const own = requestOf(pod, name);
    const others = onNode(world, node).reduce((sum, p) => sum + requestOf(p, name), 0);
    return own === 0 || own + others <= Number(offers[name] ?? 0);
  });
}

function portsFit(world: World, pod: PodInput, node: NodeInput): boolean {
  const ports = (p: PodInput) => p.spec.containers.flatMap((c) => c.ports ?? []);
  const taken = onNode(world, node).flatMap(ports);
  return ports(pod).every((p) => !taken.some((t) => t.hostPort === p.hostPort));
}

function isAbout(term: PodAffinityTermInput, owner: PodInput, other: PodInput): boolean {
  const namespaces = term.namespaces?.length ? term.namespaces : [owner.metadata.namespace!];
  return (
    namespaces.includes(other.metadata.namespace!) &&
    selects(term.labelSelector, other.metadata.labels ?? {})
  );
}

/** Pods in the same domain of the key as the node; none when the node has no such label. */
function near(world: World, node: NodeInput, key: string): PodInput[] {
  const value = node.metadata.labels?.[key];
  if (value === undefined) return [];
  const names = world.nodes
    .filter((n) => n.metadata.labels?.[key] === value)
    .map((n) => n.metadata.name);
  return world.pods.filter((p) => names.includes(p.spec.nodeName));
}

function affinityFits(world: World, pod: PodInput, node: NodeInput): boolean {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  const wants = podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const wanted = (other: PodInput) => wants.every((t) => isAbout(t, pod, other));
  const hasDomain = (p: PodInput, key: string) =>
    world.nodes.some((n) => n.metadata.name === p.spec.nodeName && n.metadata.labels?.[key]);
  const anywhere = world.pods.some(
    (p) => wanted(p) && wants.some((t) => hasDomain(p, t.topologyKey)),
  );
  for (const term of wants) {
    if (node.metadata.labels?.[term.topologyKey] === undefined) return false;
    if (!anywhere && wanted(pod)) continue;
    if (!near(world, node, term.topologyKey).some(wanted)) return false;
  }
  for (const term of podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (near(world, node, term.topologyKey).some((p) => isAbout(term, pod, p))) return false;
  }
  return world.pods.every((other) => {
    const terms =
      other.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    return terms.every(
      (t) => !isAbout(t, other, pod) || !near(world, node, t.topologyKey).includes(other),
    );
  });
}

function skewFits(world: World, pod: PodInput, node: NodeInput, c: TopologySpreadInput): boolean {
  const key = c.topologyKey;
  const value = node.metadata.labels?.[key];
  if (value === undefined) return false;
  const counts = new Map<string, number>();
  for (const n of world.nodes) {
    const domain = n.metadata.labels?.[key];
    if (domain === undefined || (c.nodeAffinityPolicy !== 'Ignore' && !labelsFit(pod, n))) continue;
    if (c.nodeTaintsPolicy === 'Honor' && !taintsFit(pod, n)) continue;
    const matching = onNode(world, n).filter(
      (p) =>
        p.metadata.namespace === pod.metadata.namespace &&
        selects(c.labelSelector, p.metadata.labels ?? {}),
    );
    counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
  }
  const emptiest = counts.size < (c.minDomains ?? 1) ? 0 : Math.min(...counts.values(), Infinity);
  const self = selects(c.labelSelector, pod.metadata.labels ?? {}) ? 1 : 0;
  const floor = emptiest === Infinity ? 0 : emptiest;
  return (counts.get(value) ?? 0) + self - floor <= c.maxSkew;
}

/** Whether the pod may run on the node beside what runs there. */
export function oracleFits(world: World, pod: PodInput, node: NodeInput): boolean {
  const hard = (pod.spec.topologySpreadConstraints ?? []).filter(
    (c) => c.whenUnsatisfiable === 'DoNotSchedule',
  );
  return (
    !node.spec?.unschedulable &&
    labelsFit(pod, node) &&
    taintsFit(pod, node) &&
    resourcesFit(world, pod, node) &&
    portsFit(world, pod, node) &&
    affinityFits(world, pod, node) &&
    hard.every((c) => skewFits(world, pod, node, c))
  );
}
