import { matches, NodeKind, parseLabelSelector, PodKind, type Node, type Pod } from '@gantry/api';
import { notFound, timestamp, unavailable } from '@gantry/base';
import type { Informers } from '@gantry/controller';
import type { SubresourceRegistry, SubresourceRequest, SubresourceResponse } from '../api/index.js';
import type { Metering, NodeUsage, Usage } from './metering.js';
import type { Metrics, PeerMetrics } from './peer-metrics.js';

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

function nodeMetrics(node: Node, usage: NodeUsage): Metrics {
  const { name, labels } = node.metadata;
  const metadata = { name, labels, creationTimestamp: timestamp(usage.atMs) };
  return { kind: 'NodeMetrics', apiVersion, metadata, ...times(usage), usage: quantities(usage) };
}

function podMetrics(pod: Pod, node: NodeUsage): Metrics | undefined {
  const used = node.pods.get(pod.metadata.uid!);
  if (!used || used.containers.length === 0) return undefined;
  const { name, namespace, labels } = pod.metadata;
  const containers = used.containers.map((c) => ({ name: c.name, usage: quantities(c) }));
  const metadata = { name, namespace, labels, creationTimestamp: timestamp(node.atMs) };
  return { kind: 'PodMetrics', apiVersion, metadata, ...times(node), containers };
}

export interface MetricsApiOptions {
  readonly metering: Metering;
  readonly informers: Informers;
  /** What other control planes have metered. */
  readonly peers: PeerMetrics;
}

/** metrics.k8s.io: what nodes and pods use now, for `top`; computed from heartbeats, never stored. */
export class MetricsApi {
  private readonly metering: Metering;
  private readonly informers: Informers;

  constructor(private readonly options: MetricsApiOptions) {
    this.metering = options.metering;
    this.informers = options.informers;
  }

  register(registry: SubresourceRegistry): void {
    const common = { group, version, verbs: ['get', 'list'] };
    registry.registerResource({
      ...common,
      kind: 'NodeMetrics',
      plural: 'nodes',
      singular: '',
      namespaced: false,
      handle: (request) => this.nodes(request),
    });
    registry.registerResource({
      ...common,
      kind: 'PodMetrics',
      plural: 'pods',
      singular: '',
      namespaced: true,
      handle: (request) => this.pods(request),
    });
  }

  private async nodes(request: SubresourceRequest): Promise<SubresourceResponse> {
    const items = this.selected(this.informers.for(NodeKind).list(), request).flatMap((node) => {
      const usage = this.metering.usage(node.metadata.name!);
      return usage ? [nodeMetrics(node, usage)] : [];
    });
    const node = request.name || undefined;
    return this.merged({ kind: 'NodeMetricsList', plural: 'nodes', node }, items, request);
  }

  private async pods(request: SubresourceRequest): Promise<SubresourceResponse> {
    const { namespace } = request;
    const items = this.selected(this.informers.for(PodKind).list(namespace), request).flatMap(
      (pod) => {
        const usage = this.metering.usage(pod.spec.nodeName ?? '');
        const metrics = usage && podMetrics(pod, usage);
        return metrics ? [metrics] : [];
      },
    );
    const pod = request.name ? this.informers.for(PodKind).get(namespace, request.name) : undefined;
    const node = pod?.spec.nodeName;
    return this.merged({ kind: 'PodMetricsList', plural: 'pods', node }, items, request);
  }

  private async merged(
    { kind, plural, node }: { kind: string; plural: string; node: string | undefined },
    own: readonly Metrics[],
    request: SubresourceRequest,
  ): Promise<SubresourceResponse> {
    const isList = request.name === '';
    if (!isList && own[0]) return { json: own[0] };
    const { items, warnings } = await this.options.peers.addTo(own, request, node);
    if (isList) return { json: { kind, apiVersion, metadata: {}, items }, warnings };
    const [item] = items;
    if (item) return { json: item, warnings };
    if (warnings[0]) throw unavailable(warnings[0]);
    throw notFound({ kind: plural, group, name: request.name });
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
