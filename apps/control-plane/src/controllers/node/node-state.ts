import type { Node, NodeCondition, Pod, Taint } from '@gantry/api';
import { timestamp } from '@gantry/base';
import { findCondition, withCondition } from '../conditions.js';
import { notReadyTaint, unreachableTaint } from './eviction.js';

/** Marks conditions that the node lifecycle wrote for an agent that cannot speak. */
export const lostReason = 'NodeStatusUnknown';
const podLostReason = 'NodeLost';
/** Conditions that keep new pods away while they are True, with their taints as Kubernetes names them. */
const pressures = new Map([
  ['DiskPressure', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'node.kubernetes.io/pid-pressure'],
]);
const readinessTaints = new Set([notReadyTaint, unreachableTaint]);
const ownTaints = new Set([...readinessTaints, ...pressures.values()]);

/** The node with Ready=Unknown, since its agent is not connected; undefined when it says so already. */
export function markedLost(node: Node, graceSeconds: number, nowMs: number): Node | undefined {
  const ready = findCondition(node.status?.conditions, 'Ready');
  if (ready?.status === 'Unknown') return undefined;
  const condition: NodeCondition = {
    ...ready,
    type: 'Ready',
    status: 'Unknown',
    reason: lostReason,
    message: `the node's agent has not been connected for ${graceSeconds} s; check the host, its link and the gantry-agent service`,
  };
  const conditions = withCondition(node.status?.conditions, condition, nowMs);
  return { ...node, status: { ...node.status, conditions } };
}

/** The opposite, for a session that came back without its agent having anything new to tell. */
export function markedBack(node: Node, nowMs: number): Node | undefined {
  const ready = findCondition(node.status?.conditions, 'Ready');
  if (ready?.status !== 'Unknown' || ready.reason !== lostReason) return undefined;
  const condition: NodeCondition = {
    ...ready,
    status: 'True',
    reason: 'KubeletReady',
    message: 'the agent is connected again',
  };
  const conditions = withCondition(node.status?.conditions, condition, nowMs);
  return { ...node, status: { ...node.status, conditions } };
}

/** The taints that follow from the node's conditions; undefined when the node has exactly those. */
export function conditionTaints(node: Node, nowMs: number): Taint[] | undefined {
  const status = findCondition(node.status?.conditions, 'Ready')?.status;
  const wanted = [...readyTaints(status), ...pressureTaints(node)];
  const taints = node.spec?.taints ?? [];
  const own = taints.filter((taint) => ownTaints.has(taint.key));
  const same = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;
  const isRight = own.length === wanted.length && wanted.every((w) => own.some((o) => same(o, w)));
  if (isRight) return undefined;
  const kept = wanted.map((w) => own.find((o) => same(o, w)) ?? stamped(w, nowMs));
  return [...taints.filter((taint) => !ownTaints.has(taint.key)), ...kept];
}

/** Whether the node is tainted for not being Ready. */
export function isMarkedUnready({ spec }: Node): boolean {
  return (spec?.taints ?? []).some(({ key }) => readinessTaints.has(key));
}

/** What keeps new pods away from a node that runs short of something; those that run there stay. */
export function pressureTaints({ status }: Node): Taint[] {
  return [...pressures].flatMap(([type, key]): Taint[] => {
    const isShort = findCondition(status?.conditions, type)?.status === 'True';
    return isShort ? [{ key, effect: 'NoSchedule' }] : [];
  });
}

function readyTaints(ready: string | undefined): Taint[] {
  if (ready === 'True') return [];
  if (ready !== 'Unknown') return [{ key: notReadyTaint, effect: 'NoSchedule' }];
  return [
    { key: unreachableTaint, effect: 'NoSchedule' },
    { key: unreachableTaint, effect: 'NoExecute' },
  ];
}

function stamped(taint: Taint, nowMs: number): Taint {
  return taint.effect === 'NoExecute' ? { ...taint, timeAdded: timestamp(nowMs) } : taint;
}

/** A pod of a lost node counts as not ready, so that nothing relies on it; undefined when there is nothing to do. */
export function podOfLostNode(pod: Pod, nowMs: number): Pod | undefined {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  if (ready?.status !== 'True') return undefined;
  const condition = {
    ...ready,
    status: 'False' as const,
    reason: podLostReason,
    message: 'the agent of its node is not connected, so its state is not known',
  };
  const conditions = withCondition(pod.status?.conditions, condition, nowMs);
  return { ...pod, status: { ...pod.status, conditions } };
}

/** The opposite: ready as its containers were last reported. */
export function podOfFoundNode(pod: Pod, nowMs: number): Pod | undefined {
  const ready = findCondition(pod.status?.conditions, 'Ready');
  if (ready?.reason !== podLostReason) return undefined;
  const isReady = (pod.status?.containerStatuses ?? []).every((status) => status.ready);
  const { reason: _, message: __, ...rest } = ready;
  const condition = { ...rest, status: isReady ? ('True' as const) : ('False' as const) };
  const conditions = withCondition(pod.status?.conditions, condition, nowMs);
  return { ...pod, status: { ...pod.status, conditions } };
}
