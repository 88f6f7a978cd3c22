import { PodKind, type Pod, type PriorityClass } from '@gantry/api';
import { decode, type ApiObject } from '@gantry/api-machinery';
import { badRequest, GantryError } from '@gantry/base';
import type { SimulatedPod } from '@gantry/scheduler';
import { invalidObject } from '../../api/resources/details.js';

/** Pods of one simulation. */
const maxPods = 20_000;

/** What the manifests come to. */
export interface Expansion {
  readonly pods: readonly SimulatedPod[];
  /** `Kind/name` of manifests that make no pods. */
  readonly ignored: readonly string[];
}

export interface ExpandOptions {
  readonly namespace: string;
  readonly classes: readonly PriorityClass[];
  /** Names of all nodes, for those that want a pod on each. */
  readonly nodes: readonly string[];
}

interface Workload {
  readonly replicas?: number;
  readonly parallelism?: number;
  readonly completions?: number;
  readonly template?: Partial<Pod>;
  readonly jobTemplate?: { readonly spec?: Workload };
}

const one = (replicas: number | undefined) => replicas ?? 1;

/** How many pods of its template each kind runs at a time. */
const counts: Readonly<Record<string, (spec: Workload) => number>> = {
  Deployment: ({ replicas }) => one(replicas),
  ReplicaSet: ({ replicas }) => one(replicas),
  ReplicationController: ({ replicas }) => one(replicas),
  StatefulSet: ({ replicas }) => one(replicas),
  Job: ({ parallelism, completions }) => Math.min(one(parallelism), completions ?? Infinity),
};

/** The pods that these manifests would have run, complete and checked; BadRequest and Invalid name the manifest. */
export function expand(objects: readonly ApiObject[], options: ExpandOptions): Expansion {
  const pods: SimulatedPod[] = [];
  const ignored: string[] = [];
  for (const object of objects) {
    const found = podsOf(object, options);
    if (!found) ignored.push(`${object.kind}/${object.metadata.name ?? ''}`);
    for (const pod of found ?? []) pods.push(pod);
    if (pods.length > maxPods) throw badRequest(`a simulation takes at most ${maxPods} pods`);
  }
  return { pods, ignored };
}

function podsOf(object: ApiObject, options: ExpandOptions): SimulatedPod[] | undefined {
  const { kind = '', metadata } = object;
  const namespace = metadata.namespace ?? options.namespace;
  if (kind === 'Pod') return [{ pod: complete(object, object, namespace, options) }];
  const outer = (object as { spec?: Workload }).spec ?? {};
  const spec = kind === 'CronJob' ? (outer.jobTemplate?.spec ?? {}) : outer;
  const isDaemon = kind === 'DaemonSet';
  const count = kind === 'CronJob' ? counts['Job'] : counts[kind];
  if (!count && !isDaemon) return undefined;
  if (!spec.template) throw badRequest(`${kind} "${metadata.name}": spec.template is missing`);
  const draft = { ...spec.template, metadata: { ...spec.template.metadata, name: metadata.name } };
  const pod = complete(draft, object, namespace, options);
  const names = isDaemon ? options.nodes : Array.from({ length: countOf(count!, spec, object) });
  return names.map((onNode, i) => ({
    pod: { ...pod, metadata: { ...pod.metadata, name: `${metadata.name}-${i}`, uid: uid() } },
    ...(isDaemon ? { onNode: onNode as string } : {}),
  }));
}

const uid = () => crypto.randomUUID();

function countOf(count: (spec: Workload) => number, spec: Workload, { kind, metadata }: ApiObject) {
  const number = count(spec);
  if (Number.isInteger(number) && number >= 0 && number <= maxPods) return number;
  throw badRequest(`${kind} "${metadata.name}": a number of pods from 0 to ${maxPods} is needed`);
}

/** The pod as the API would store it: decoded strictly, with defaults and priority, and valid. */
function complete(
  draft: ApiObject,
  from: ApiObject,
  namespace: string,
  options: ExpandOptions,
): Pod {
  const { name, labels, annotations } = draft.metadata;
  const metadata = { name: name ?? from.metadata.name, namespace, labels, annotations };
  const { spec } = draft as { spec?: unknown };
  const source = JSON.parse(
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }),
  ) as object;
  const what = `${from.kind} "${from.metadata.name}"`;
  try {
    const { object } = decode(PodKind, source, { fieldValidation: 'Strict' });
    object.spec ??= {} as Pod['spec'];
    prioritize(object, options.classes);
    PodKind.setDefaults(object);
    PodKind.prepareForCreate(object);
    const errors = PodKind.validate(object);
    if (errors.length > 0) throw invalidObject(PodKind, object, errors);
    object.metadata.uid = uid();
    return object;
  } catch (error) {
    if (!(error instanceof GantryError)) throw error;
    throw new GantryError(error.reason, `${what}: ${error.message}`, error.details, {
      cause: error,
    });
  }
}

function prioritize({ spec }: Pod, classes: readonly PriorityClass[]): void {
  const { priorityClassName } = spec;
  const found = classes.find(({ metadata, globalDefault }) =>
    priorityClassName ? metadata.name === priorityClassName : globalDefault,
  );
  if (priorityClassName && !found) {
    throw badRequest(
      `no PriorityClass with name ${priorityClassName} was found; put it among the manifests`,
    );
  }
  if (!found) return;
  spec.priority = found.value;
  spec.preemptionPolicy ??= found.preemptionPolicy;
}
