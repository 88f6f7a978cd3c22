import { planRebalancing, Scheduler, Snapshot, type PodHandle } from '@gantry/scheduler';
import { nodeOf, podOf, shapeKey } from './objects.ts';
import type { Policy } from './policies.ts';
import type { TraceNode, TracePod } from './trace.ts';

/** Nodes of the trace and a policy that places pods on them. */
export class Cluster {
  readonly snapshot = new Snapshot();
  private readonly scheduler: Scheduler;
  private readonly handles = new Map<string, PodHandle>();
  private readonly policy: Policy;
  private serial = 0;

  constructor(nodes: readonly TraceNode[], policy: Policy) {
    this.policy = policy;
    nodes.forEach((node, i) => this.snapshot.setNode(nodeOf(node, i)));
    this.scheduler = new Scheduler(this.snapshot, policy.profile);
  }

  /** Whether there was a place for the pod. */
  place(pod: TracePod): boolean {
    const handle = this.handleOf(pod);
    const { node, slot } = this.scheduler.decide(handle);
    if (node === undefined) return false;
    const devices = this.policy.devices?.(this.snapshot, handle, slot);
    this.snapshot.hold(`pod-${this.serial++}`, handle, slot, devices);
    return true;
  }

  /** For how many of these pods, which fit nowhere, room can be made by moving others, at most so many. */
  roomFor(pods: readonly TracePod[], maxMoves: number): number {
    const pending = pods.map((pod) => this.handleOf(pod));
    const { rooms } = planRebalancing(this.snapshot, this.policy.profile, {
      maxMoves,
      budgets: [],
      sortOf: () => 'movable',
      pending,
    });
    return rooms.length;
  }

  private handleOf(pod: TracePod): PodHandle {
    const key = shapeKey(pod);
    let handle = this.handles.get(key);
    if (!handle) this.handles.set(key, (handle = this.snapshot.handle(podOf(pod))));
    return handle;
  }
}
