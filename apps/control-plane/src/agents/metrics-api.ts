import { matches, NodeKind, parseLabelSelector, PodKind, type Node, type Pod } from '@gantry/api';
import { notFound, timestamp } from '@gantry/base';
import type { Informers } from '@gantry/controller';
import type { SubresourceRegistry, SubresourceRequest, SubresourceResponse } from '../api/index.js';
import type { Metering, NodeUsage, Usage } from './metering.js';

const group = 'metrics.k8s.io';
const version = 'v1beta1';
const apiVersion = `${group}/${version}`;

function quantities({ cpuNanosPerSecond, memoryBytes }: Usage) {
  return {
    cpu: `${Math.round(cpuNanosPerSecond)}n`,
    memory: `${Math.round(memoryBytes / 1024)}Ki`,
  };
}

function times({ atMs, windowMs }: NodeUsage) {
  return { timestamp: timestamp(atMs), window: `${(windowMs / 1000).toFixed(3)}s` };
}

function nodeMetrics(node: Node, usage: NodeUsage) {
  const { name, labels } = node.metadata;
  const metadata = { name, labels, creationTimestamp: timestamp(usage.atMs) };
  return { kind: 'NodeMetrics', apiVersion, metadata, ...times(usage), usage: quantities(usage) };
}

function podMetrics(pod: Pod, node: NodeUsage) {
  const used = node.pods.get(pod.metadata.uid!);
  if (!used || used.containers.length === 0) return undefined;
  const { name, namespace, labels } = pod.metadata;
  const containers = used.containers.map((c) => ({ name: c.name, usage: quantities(c) }));
  const metadata = { name, namespace, labels, creationTimestamp: timestamp(node.atMs) };
  return { kind: 'PodMetrics', apiVersion, metadata, ...times(node), containers };
}

/** metrics.k8s.io: what nodes and pods use now, for `top`; computed from heartbeats, never stored. */
export class MetricsApi {
  constructor(
    private readonly metering: Metering,
    private readonly informers: Informers,
  ) {}

  register(registry: SubresourceRegistry): void {
    const common = { group, version, verbs: ['get', 'list'] };
    registry.registerResource({
      ...common,
      kind: 'NodeMetrics',
      plural: 'nodes',
      singular: '',
      namespaced: false,
      handle: async (request) => this.nodes(request),
    });
    registry.registerResource({
      ...common,
      kind: 'PodMetrics',
      plural: 'pods',
      singular: '',
      namespaced: true,
      handle: async (request) => this.pods(request),
    });
  }

  private nodes(request: SubresourceRequest): SubresourceResponse {
    const items = this.selected(this.informers.for(NodeKind).list(), request).flatMap((node) => {
      const usage = this.metering.usage(node.metadata.name!);
      return usage ? [nodeMetrics(node, usage)] : [];
    });
    return answer('NodeMetricsList', items, request, 'nodes');
  }

  private pods(request: SubresourceRequest): SubresourceResponse {
    const { namespace } = request;
    const items = this.selected(this.informers.for(PodKind).list(namespace), request).flatMap(
      (pod) => {
        const usage = this.metering.usage(pod.spec.nodeName ?? '');
        const metrics = usage && podMetrics(pod, usage);
        return metrics ? [metrics] : [];
      },
    );
    return answer('PodMetricsList', items, request, 'pods');
  }

  private selected<T extends Node | Pod>(objects: readonly T[], request: SubresourceRequest): T[] {
    const selector = parseLabelSelector(request.query.get('labelSelector') ?? '');
    return objects.filter(
      ({ metadata }) =>
        (request.name === '' || metadata.name === request.name) &&
        matches(selector, metadata.labels ?? {}),
    );
  }
}

function answer(
  kind: string,
  items: readonly object[],
  request: SubresourceRequest,
  plural: string,
): SubresourceResponse {
  if (request.name === '') return { json: { kind, apiVersion, metadata: {}, items } };
  const [item] = items;
  if (!item) throw notFound({ kind: plural, group, name: request.name });
  return { json: item };
}
