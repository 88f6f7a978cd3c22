import { ConditionBase, Describe, Field, list, map } from '@gantry/api-machinery';
import { ResourceRequirements, type ResourceList } from './resources.js';

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
export type QOSClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

@Describe('ContainerStateWaiting: not yet or no longer running.')
export class ContainerStateWaiting {
  @Field('string', 'One word that says why, e.g. ImagePullBackOff.')
  reason?: string;

  @Field('string', 'A sentence that says why.')
  message?: string;
}

@Describe('ContainerStateRunning: the process runs.')
export class ContainerStateRunning {
  @Field('time', 'When it was started.')
  startedAt?: string;
}

@Describe('ContainerStateTerminated: the process has ended.')
export class ContainerStateTerminated {
  @Field('int32', 'Exit code.', { required: true })
  exitCode: number;

  @Field('int32', 'Signal that ended it.')
  signal?: number;

  @Field('string', 'Completed, Error, OOMKilled …')
  reason?: string;

  @Field('string', 'Termination message or a sentence that says why.')
  message?: string;

  @Field('time', 'When it was started.')
  startedAt?: string;

  @Field('time', 'When it ended.')
  finishedAt?: string;

  @Field('string', 'TYPE://ID of the container.')
  containerID?: string;
}

@Describe('ContainerState is exactly one of waiting, running, terminated.')
export class ContainerState {
  @Field(() => ContainerStateWaiting, 'Not running.')
  waiting?: ContainerStateWaiting;

  @Field(() => ContainerStateRunning, 'Running.')
  running?: ContainerStateRunning;

  @Field(() => ContainerStateTerminated, 'Ended.')
  terminated?: ContainerStateTerminated;
}

@Describe('ContainerUser is the identity of the first process.')
export class ContainerUser {
  @Field('any', 'User and groups on Linux.')
  linux?: { uid: number; gid: number; supplementalGroups?: number[] };
}

@Describe('ContainerStatus is the observed state of one container.')
export class ContainerStatus {
  @Field('string', 'Name of the container.', { required: true })
  name: string;

  @Field(() => ContainerState, 'Its state now.')
  state?: ContainerState;

  @Field(() => ContainerState, 'How the run before ended.')
  lastState?: ContainerState;

  @Field('boolean', 'Whether its readiness probe has succeeded.', { required: true })
  ready: boolean;

  @Field('int32', 'How often it was restarted.', { required: true })
  restartCount: number;

  @Field('string', 'Image it runs.', { required: true })
  image: string;

  @Field('string', 'Digest of that image.', { required: true })
  imageID: string;

  @Field('string', 'TYPE://ID of the container.')
  containerID?: string;

  @Field('boolean', 'Whether its startup probe has succeeded.')
  started?: boolean;

  @Field(map('quantity'), 'Requests as they were admitted.')
  allocatedResources?: ResourceList;

  @Field(() => ResourceRequirements, 'Requests and limits that are in force.')
  resources?: ResourceRequirements;

  @Field(list('any', { merge: 'mountPath' }), 'Mounts as they are.')
  volumeMounts?: unknown[];

  @Field(() => ContainerUser, 'Identity of the first process.')
  user?: ContainerUser;
}

@Describe('PodCondition is one condition of a pod.')
export class PodCondition extends ConditionBase {
  @Field('int64', 'Generation the condition was observed at.')
  observedGeneration?: number;

  @Field('time', 'When it was last probed.')
  lastProbeTime?: string;
}

@Describe('PodIP is one address of the pod.')
export class PodIP {
  @Field('string', 'Address.', { required: true })
  ip: string;
}

@Describe('HostIP is one address of the host.')
export class HostIP {
  @Field('string', 'Address.', { required: true })
  ip: string;
}

@Describe('PodStatus is the observed state of a pod.')
export class PodStatus {
  @Field('int64', 'Generation of the spec that this status is about.')
  observedGeneration?: number;

  @Field('string', 'Pending, Running, Succeeded, Failed or Unknown.')
  phase?: PodPhase;

  @Field(
    list(() => PodCondition, { merge: 'type' }),
    'PodScheduled, Initialized, ContainersReady, Ready …',
  )
  conditions?: PodCondition[];

  @Field('string', 'A sentence that says why the pod is in this state.')
  message?: string;

  @Field('string', 'One word that says why the pod is in this state.')
  reason?: string;

  @Field('string', 'Node that a preempting pod waits for.')
  nominatedNodeName?: string;

  @Field('string', 'Address of the node.')
  hostIP?: string;

  @Field(list(() => HostIP, { merge: 'ip' }), 'Addresses of the node.')
  hostIPs?: HostIP[];

  @Field('string', 'Address of the pod.')
  podIP?: string;

  @Field(list(() => PodIP, { merge: 'ip' }), 'Addresses of the pod.')
  podIPs?: PodIP[];

  @Field('time', 'When the agent took the pod on.')
  startTime?: string;

  @Field(list(() => ContainerStatus), 'States of the init containers.')
  initContainerStatuses?: ContainerStatus[];

  @Field(list(() => ContainerStatus), 'States of the containers.')
  containerStatuses?: ContainerStatus[];

  @Field(list(() => ContainerStatus), 'States of ephemeral containers.')
  ephemeralContainerStatuses?: ContainerStatus[];

  @Field('string', 'Guaranteed, Burstable or BestEffort.')
  qosClass?: QOSClass;

  @Field('string', 'State of a resize.')
  resize?: string;

  @Field(list('any', { merge: 'name', retainKeys: true }), 'States of device claims.')
  resourceClaimStatuses?: unknown[];
}

/** Whether all of a pod has run to its end, well or not: it holds nothing on its node any more. */
export function hasEnded({ status }: { readonly status?: { readonly phase?: string } }): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
