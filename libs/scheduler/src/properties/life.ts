import type { NodeInput, PodInput } from '../input.js';
import type { Decision } from '../scheduler.js';
import { Scheduler } from '../scheduler.js';
import { Snapshot, uidOf } from '../snapshot.js';
import type { Profile } from '../profile.js';
import type { Step } from './churn.js';
import type { World } from './oracle.js';

/** Lives through steps and keeps, beside the snapshot, the same state as plain objects. */
export class Life {
  readonly snapshot = new Snapshot();
  readonly scheduler: Scheduler;
  readonly nodes = new Map<string, NodeInput>();
  readonly pods = new Map<string, { pod: PodInput; assumed: boolean }>();

  constructor(profile?: Profile) {
    this.scheduler = new Scheduler(this.snapshot, profile);
  }

  get world(): World {
    return { nodes: [...this.nodes.values()], pods: [...this.pods.values()].map((p) => p.pod) };
  }

  /** `decided` sees each decision before the pod takes its place. */
  live(step: Step, decided: (pod: PodInput, decision: Decision) => void): void {
    switch (step.type) {
      case 'node':
        this.nodes.set(step.node.metadata.name!, step.node);
        return this.snapshot.setNode(step.node);
      case 'remove-node':
        this.nodes.delete(step.name);
        return this.snapshot.removeNode(step.name);
      case 'place':
        return this.place(step.pod, decided);
      case 'confirm':
      case 'end':
      case 'forget':
      case 'remove':
        return this.touch(step.type, step.which);
    }
  }

  private place(pod: PodInput, decided: (pod: PodInput, decision: Decision) => void): void {
    const decision = this.scheduler.schedule(pod);
    decided(pod, decision);
    if (decision.node === undefined) return;
    this.snapshot.assume(pod, decision.node);
    const bound = { ...pod, spec: { ...pod.spec, nodeName: decision.node } };
    this.pods.set(uidOf(pod), { pod: bound, assumed: true });
  }

  private touch(type: 'confirm' | 'end' | 'remove' | 'forget', which: number): void {
    const all = [...this.pods.entries()];
    const chosen = all[which % Math.max(1, all.length)];
    if (!chosen) return;
    const [uid, { pod, assumed }] = chosen;
    if (type === 'confirm') {
      this.pods.set(uid, { pod, assumed: false });
      return this.snapshot.setPod(pod);
    }
    if (type === 'forget') {
      if (assumed) this.pods.delete(uid);
      return this.snapshot.forget(uid);
    }
    this.pods.delete(uid);
    if (type === 'remove') this.snapshot.removePod(uid);
    else this.snapshot.setPod({ ...pod, status: { phase: 'Failed' } });
  }
}
