import { NodeKind, PodKind, type Event } from '@gantry/api';
import type { EventRecorder } from '../events/index.js';
import type { Informers } from '@gantry/controller';

const types = new Set(['Normal', 'Warning']);

/** Takes the events that agents tell of their pods and their node. */
export class AgentEvents {
  constructor(
    private readonly recorder: EventRecorder,
    private readonly informers: Informers,
  ) {}

  /** Events about anything but this node and its pods are dropped: an agent speaks for its own alone. */
  record(node: string, event: Event): void {
    const { involvedObject, reason, message, type } = event;
    const { namespace = '', name = '', uid } = involvedObject ?? {};
    if (!reason || !message || !types.has(type ?? '')) return;
    const draft = { type: type as 'Normal' | 'Warning', reason, message };
    const recorder = this.recorder.for('gantry-agent', node);
    if (involvedObject?.kind === 'Node') {
      const own = name === node && this.informers.for(NodeKind).get(undefined, node);
      if (own) recorder.record(NodeKind, own, draft);
      return;
    }
    const pod = this.informers.for(PodKind).get(namespace, name);
    if (pod?.metadata.uid === uid && pod?.spec.nodeName === node) {
      recorder.record(PodKind, pod, draft);
    }
  }
}
