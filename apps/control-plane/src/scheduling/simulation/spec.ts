import type { ApiObject } from '@gantry/api-machinery';
import { parseQuantity } from '@gantry/api-machinery';
import { invalid, type Cause } from '@gantry/base';
import { maxNodes } from '@gantry/scheduler';

/** Nodes that the pods may have besides, or instead of, those of the cluster. */
export interface NodeShape {
  /** Allocatable amounts; pods defaults to 110. */
  readonly allocatable: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Exactly so many; without it, as many as are needed. */
  readonly count?: number;
}

/** What is asked: `spec` of a gantry.dev/v1 Simulation. */
export interface SimulationSpec {
  /** Manifests; those that make pods are taken, the rest is passed over. */
  readonly objects: readonly ApiObject[];
  /** For manifests that name none (default `default`). */
  readonly namespace: string;
  readonly nodes: readonly NodeShape[];
  /** The shapes stand beside the cluster's nodes and not in their place. */
  readonly beside: boolean;
  /** Nodes and pods to take for the cluster instead of the living one. */
  readonly cluster?: readonly ApiObject[];
}

const maxObjects = 2_000;
const maxShapes = 8;

class Faults {
  readonly causes: Cause[] = [];

  add(field: string, message: string): void {
    this.causes.push({ reason: 'FieldValueInvalid', field, message });
  }
}

function isAmount(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  try {
    parseQuantity(text);
    return !text.startsWith('-');
  } catch {
    return false;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The spec of the body, checked field by field; Invalid names every fault. */
export function parseSpec(body: unknown): SimulationSpec {
  const spec = isRecord(body) && isRecord(body['spec']) ? body['spec'] : {};
  const faults = new Faults();
  const known = ['objects', 'namespace', 'nodes', 'beside', 'cluster'];
  for (const name of Object.keys(spec)) {
    if (!known.includes(name))
      faults.add(`spec.${name}`, `unknown field; known: ${known.join(', ')}`);
  }
  const objects = objectsOf(spec['objects'] ?? [], 'spec.objects', maxObjects, faults);
  const cluster =
    spec['cluster'] === undefined
      ? {}
      : { cluster: objectsOf(spec['cluster'], 'spec.cluster', Infinity, faults) };
  const { namespace = 'default', beside = false } = spec;
  if (typeof namespace !== 'string') faults.add('spec.namespace', 'must be a string');
  if (typeof beside !== 'boolean') faults.add('spec.beside', 'must be true or false');
  const nodes = shapesOf(spec['nodes'] ?? [], faults);
  if (faults.causes.length > 0)
    throw invalid({ kind: 'Simulation', name: '', group: 'gantry.dev', causes: faults.causes });
  return { objects, namespace: String(namespace), nodes, beside: beside === true, ...cluster };
}

function objectsOf(value: unknown, field: string, limit: number, faults: Faults): ApiObject[] {
  if (!Array.isArray(value)) {
    faults.add(field, 'must be a list of objects');
    return [];
  }
  if (value.length > limit) faults.add(field, `at most ${limit} objects`);
  value.forEach((item, i) => {
    const isObject =
      isRecord(item) && typeof item['kind'] === 'string' && isRecord(item['metadata']);
    if (!isObject) faults.add(`${field}[${i}]`, 'must be an object with kind and metadata');
  });
  return value as ApiObject[];
}

function shapesOf(value: unknown, faults: Faults): NodeShape[] {
  if (!Array.isArray(value) || value.length > maxShapes) {
    faults.add('spec.nodes', `must be a list of at most ${maxShapes} shapes`);
    return [];
  }
  value.forEach((shape: unknown, i) => checkShape(shape, `spec.nodes[${i}]`, faults));
  return value as NodeShape[];
}

function checkShape(shape: unknown, field: string, faults: Faults): void {
  const { allocatable, labels = {}, count } = isRecord(shape) ? shape : {};
  if (!isRecord(allocatable) || Object.keys(allocatable).length === 0) {
    faults.add(`${field}.allocatable`, 'must name amounts, such as {"cpu": "8", "memory": "32Gi"}');
    return;
  }
  for (const [name, amount] of Object.entries(allocatable)) {
    if (isAmount(amount)) continue;
    faults.add(
      `${field}.allocatable.${name}`,
      `${JSON.stringify(amount)} is no quantity such as 8, 500m or 32Gi`,
    );
  }
  const areLabels = isRecord(labels) && Object.values(labels).every((v) => typeof v === 'string');
  if (!areLabels) faults.add(`${field}.labels`, 'must be text by name');
  const isCount = Number.isInteger(count) && Number(count) > 0 && Number(count) <= maxNodes;
  if (count !== undefined && !isCount) {
    faults.add(`${field}.count`, `must be a whole number from 1 to ${maxNodes}`);
  }
}
