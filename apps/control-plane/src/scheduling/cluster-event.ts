/** What happened in the cluster, as far as it can make room for a pod that waits. */
export type ClusterEvent = 'node-added' | 'node-changed' | 'pod-left' | 'pod-placed';

/** For each filter the events after which its answer may become yes. */
const helpful: Record<string, readonly ClusterEvent[]> = {
  nodeName: ['node-added'],
  unschedulable: ['node-added', 'node-changed'],
  taints: ['node-added', 'node-changed'],
  nodeAffinity: ['node-added', 'node-changed'],
  resources: ['node-added', 'node-changed', 'pod-left'],
  hostPorts: ['node-added', 'pod-left'],
  podAffinity: ['node-added', 'node-changed', 'pod-left', 'pod-placed'],
  topologySpread: ['node-added', 'node-changed', 'pod-left', 'pod-placed'],
};

/** Whether the event could help a pod that these filters refused; unknown filters may be helped by anything. */
export function helps(event: ClusterEvent, refusedBy: ReadonlySet<string>): boolean {
  if (refusedBy.size === 0) return true;
  for (const filter of refusedBy) if (helpful[filter]?.includes(event) ?? true) return true;
  return false;
}
