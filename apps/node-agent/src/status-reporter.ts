import type { PodRef } from '@gantry/agent-protocol';
import type { Event, Node, Pod, PodStatus } from '@gantry/api';
import { timestamp, type Clock } from '@gantry/base';
import type { EventSink, NodeEventSink, PodEvent } from './pods/node-context.js';
import type { PodListener } from './pods/pod-manager.js';
import type { Session } from './session/session.js';

const encode = (value: unknown) => Buffer.from(JSON.stringify(value));

/**
 * What climbs up the session: statuses, events and the node. A status that has not left yet is replaced
 * by a later one of the same pod; while no session stands, nothing but events waits, since the next
 * one begins by telling every status.
 */
export class StatusReporter implements PodListener, EventSink, NodeEventSink {
  private session?: Session;

  constructor(
    private readonly nodeName: string,
    private readonly clock: Clock,
  ) {}

  /** Where to send; without it everything is dropped. */
  connect(session: Session): void {
    this.session = session;
  }

  onStatus(ref: PodRef, status: PodStatus): void {
    this.session?.send(
      { podStatus: { pod: ref, statusJson: encode(status) } },
      `status/${ref.uid}`,
    );
  }

  onGone(ref: PodRef): void {
    this.session?.send({ podGone: { pod: ref } }, `gone/${ref.uid}`);
  }

  nodeChanged(node: Node): void {
    this.session?.send({ nodeStatus: { statusJson: encode(node.status) } }, 'node');
  }

  emit(pod: Pod, event: PodEvent): void {
    this.session?.send({ event: { eventJson: encode(this.toEvent(pod, event)) } });
  }

  emitForNode(event: Omit<PodEvent, 'container'>): void {
    const node = { apiVersion: 'v1', kind: 'Node', name: this.nodeName, uid: this.nodeName };
    this.session?.send({ event: { eventJson: encode(this.event('default', node, event)) } });
  }

  private toEvent(pod: Pod, event: PodEvent): Event {
    const { container } = event;
    const { name, namespace, uid } = pod.metadata;
    const inits = pod.spec.initContainers ?? [];
    const list = inits.some((one) => one.name === container) ? 'initContainers' : 'containers';
    const fieldPath = container === undefined ? undefined : `spec.${list}{${container}}`;
    const object = { apiVersion: 'v1', kind: 'Pod', name, namespace, uid, fieldPath };
    return this.event(namespace!, object, event);
  }

  private event(
    namespace: string,
    involvedObject: Event['involvedObject'],
    { type, reason, message }: Omit<PodEvent, 'container'>,
  ): Event {
    const time = timestamp(this.clock.now());
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace },
      involvedObject,
      type,
      reason,
      message,
      source: { component: 'gantry-agent', host: this.nodeName },
      reportingComponent: 'gantry-agent',
      reportingInstance: this.nodeName,
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
  }
}
