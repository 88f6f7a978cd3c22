import { NodeKind } from '@gantry/api';
import { Controller, source } from '@gantry/controller';
import type { ControllerContext } from '../context.js';
import { PodCidrs } from './pod-cidrs.js';

export interface PodCidrOptions {
  readonly clusterCidr: string;
  readonly nodeCidrMask: number;
}

/** Gives each node its own part of the cluster's pod addresses. */
export function podCidrController(context: ControllerContext, options: PodCidrOptions): Controller {
  const { informers, resources, clock, logger } = context;
  const nodes = informers.for(NodeKind);
  const cidrs = new PodCidrs(options.clusterCidr, options.nodeCidrMask);
  const events = context.events.for('cidr-allocator');
  // What was given out in this term stays the node's until the cache shows it.
  nodes.subscribe({
    added: ({ metadata, spec }) => spec?.podCIDR && cidrs.assign(metadata.name!, spec.podCIDR),
    updated: ({ metadata, spec }) => spec?.podCIDR && cidrs.assign(metadata.name!, spec.podCIDR),
    deleted: ({ metadata }) => cidrs.assign(metadata.name!, undefined),
  });
  return new Controller({
    name: 'pod-cidr',
    // One at a time, or two nodes could get the same part.
    concurrency: 1,
    sources: [source(nodes, (node) => [node.metadata.name!])],
    async reconcile(name) {
      const node = nodes.get(undefined, name);
      if (!node || node.spec?.podCIDR) return;
      const podCIDR = cidrs.get(name) ?? cidrs.allocate(name);
      if (!podCIDR) {
        const message = `no part of ${options.clusterCidr} is free for node ${name}; delete nodes that are gone or use a larger --cluster-cidr`;
        events.record(NodeKind, node, { type: 'Warning', reason: 'CIDRNotAvailable', message });
        return { requeueAfterMs: 10_000 };
      }
      await resources.mutate(NodeKind, undefined, name, (current) =>
        current.spec?.podCIDR
          ? undefined
          : { ...current, spec: { ...current.spec, podCIDR, podCIDRs: [podCIDR] } },
      );
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}
