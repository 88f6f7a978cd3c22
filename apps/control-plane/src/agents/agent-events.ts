import { PodKind, type Event } from '@gantry/api';
import type { EventRecorder } from '../events/index.js';
import type { Informers } from '@gantry/controller';

const types = new Set(['Normal', 'Warning']);

/** Takes the events that agents tell of their pods. */
export class AgentEvents {
  constructor(
    private readonly recorder: EventRecorder,
    private readonly informers: Informers,
  ) {}

  /** Events about anything but a pod of this node are dropped: an agent speaks for its own pods alone. */
  record(node: string, event: Event): void {
    const { involvedObject, reason, message, type } = event;
    const { namespace = '', name = '', uid } = involvedObject ?? {};
    const pod = this.informers.for(PodKind).get(namespace, name);
    if (!pod || pod.metadata.uid !== uid || pod.spec.nodeName !== node) return;
    if (!reason || !message || !types.has(type ?? '')) return;
    const draft = { type: type as 'Normal' | 'Warning', reason, message };
    this.recorder.for('gantry-agent', node).record(PodKind, pod, draft);
  }
}
