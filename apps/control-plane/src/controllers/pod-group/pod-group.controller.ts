import {
  defaultScheduleTimeoutSeconds,
  PodGroupKind,
  podGroupOf,
  type Pod,
  type PodGroup,
  type PodGroupStatus,
} from '@gantry/api';
import { isReason } from '@gantry/base';
import { Controller, objectKey, source } from '@gantry/controller';
import { withCondition } from '../conditions.js';
import type { ControllerContext } from '../context.js';
import { canonicalJson } from '../deployment/template-hash.js';
import { podInformer } from '../pod-index.js';

const byGroup = 'pod-group';

/** Keeps the status of pod groups: how many of their pods are there, have a node, run and have ended. */
export function podGroupController(context: ControllerContext): Controller {
  const { informers, resources, clock, logger } = context;
  const groups = informers.for(PodGroupKind);
  const pods = podInformer(informers);
  const groupOf = (pod: Pod) => [podGroupOf(pod) ?? []].flat();
  pods.addIndex(byGroup, groupOf);
  return new Controller({
    name: 'pod-group',
    concurrency: 1,
    sources: [source(groups, (group) => [objectKey(group)]), source(pods, groupOf)],
    async reconcile(key) {
      const group = groups.getByKey(key);
      if (!group || group.metadata.deletionTimestamp) return;
      const { status, nextMs } = groupStatus(group, pods.byIndex(byGroup, key), clock.now());
      if (canonicalJson(status) !== canonicalJson(group.status ?? {})) {
        await resources.updateStatus(PodGroupKind, { ...group, status }).catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
      }
      return nextMs === undefined ? undefined : { requeueAfterMs: Math.max(50, nextMs) };
    },
    logger,
    clock,
    ...(context.metrics ? { metrics: context.metrics } : {}),
  });
}

function phaseOf(group: PodGroup, counts: Required<Omit<PodGroupStatus, 'phase' | 'conditions'>>) {
  const { minMember } = group.spec;
  const { members, scheduled, running, succeeded, failed } = counts;
  if (succeeded >= minMember && members === 0) return 'Finished';
  if (failed > 0 && running + succeeded + failed >= minMember && members === 0) return 'Failed';
  if (running + succeeded >= minMember) return 'Running';
  if (scheduled >= minMember) return 'Scheduled';
  return members >= minMember ? 'PreScheduling' : 'Pending';
}

/** The status, and in how many milliseconds its time limit is over that is not over yet. */
function groupStatus(group: PodGroup, pods: readonly Pod[], nowMs: number) {
  const inPhase = (phase: string) => pods.filter(({ status }) => status?.phase === phase).length;
  const [succeeded, failed] = [inPhase('Succeeded'), inPhase('Failed')];
  const members = pods.length - succeeded - failed;
  const scheduled = pods.filter(({ spec }) => spec.nodeName).length;
  const counts = { members, scheduled, running: inPhase('Running'), succeeded, failed };
  const { minMember, scheduleTimeoutSeconds: limit = defaultScheduleTimeoutSeconds } = group.spec;
  const isScheduled = scheduled >= minMember;
  const waiting = pods.filter(({ spec }) => !spec.nodeName);
  const sinceMs = Math.min(
    ...waiting.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '')),
  );
  // Creation times are whole seconds: the second that has begun counts for the group.
  const leftMs = sinceMs + (limit + 1) * 1_000 - nowMs;
  const isLate = !isScheduled && waiting.length > 0 && leftMs <= 0;
  const condition = {
    type: 'Scheduled',
    status: isScheduled ? ('True' as const) : ('False' as const),
    reason: isScheduled ? 'Scheduled' : isLate ? 'TimedOut' : 'Waiting',
    message: isScheduled
      ? ''
      : members < minMember
        ? `${members} of ${minMember} members are there`
        : `${minMember} places at once are not there`,
  };
  const status: PodGroupStatus = {
    phase: phaseOf(group, counts),
    ...counts,
    conditions: withCondition(group.status?.conditions, condition, nowMs),
  };
  return { status, nextMs: isScheduled || isLate || waiting.length === 0 ? undefined : leftMs };
}
