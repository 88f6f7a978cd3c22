import { IsIn } from 'class-validator';
import { ApiObject, ConditionBase, Describe, Field, list, map } from '@gantry/api-machinery';
import type { TaintEffect } from './affinity.js';
import type { ResourceList } from './resources.js';

@Describe('Taint keeps pods away that do not tolerate it.')
export class Taint {
  @Field('string', 'Key of the taint.', { required: true })
  key: string;

  @Field('string', 'Value of the taint.')
  value?: string;

  @IsIn(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
  @Field('string', 'NoSchedule, PreferNoSchedule or NoExecute.', { required: true })
  effect: TaintEffect;

  @Field('time', 'When the taint was added; for NoExecute.')
  timeAdded?: string;
}

@Describe('NodeSpec is the desired state of a node.')
export class NodeSpec {
  @Field('string', 'Addresses that pods of this node get.')
  podCIDR?: string;

  @Field(list('string', { set: true }), 'Addresses that pods of this node get, by family.')
  podCIDRs?: string[];

  @Field('string', 'Identity of the machine at its provider.')
  providerID?: string;

  @Field('boolean', 'Cordoned: no new pods are placed here.')
  unschedulable?: boolean;

  @Field(list(() => Taint, { merge: 'key', keys: ['key', 'effect'] }), 'Taints of the node.')
  taints?: Taint[];

  @Field('string', 'Former field; ignored.')
  externalID?: string;
}

@Describe('NodeCondition is one condition of a node.')
export class NodeCondition extends ConditionBase {
  @Field('time', 'When the agent was last heard of it.')
  lastHeartbeatTime?: string;
}

@Describe('NodeAddress is one address of a node.')
export class NodeAddress {
  @Field('string', 'Hostname, InternalIP, ExternalIP …', { required: true })
  type: string;

  @Field('string', 'The address.', { required: true })
  address: string;
}

@Describe('NodeSystemInfo identifies the machine and its software.')
export class NodeSystemInfo {
  @Field('string', 'Id from /etc/machine-id.', { required: true })
  machineID: string;

  @Field('string', 'Id of the hardware.', { required: true })
  systemUUID: string;

  @Field('string', 'Id of this boot.', { required: true })
  bootID: string;

  @Field('string', 'Version of the kernel.', { required: true })
  kernelVersion: string;

  @Field('string', 'Name of the distribution.', { required: true })
  osImage: string;

  @Field('string', 'Name and version of the runtime.', { required: true })
  containerRuntimeVersion: string;

  @Field('string', 'Version of the agent.', { required: true })
  kubeletVersion: string;

  @Field('string', 'Version of the service proxy; empty when there is none.')
  kubeProxyVersion?: string;

  @Field('string', 'linux.', { required: true })
  operatingSystem: string;

  @Field('string', 'Architecture, e.g. amd64.', { required: true })
  architecture: string;

  @Field('any', 'Swap of the machine.')
  swap?: { capacity?: number };
}

@Describe('ContainerImage is an image that the node has.')
export class ContainerImage {
  @Field(list('string'), 'Names of the image.')
  names?: string[];

  @Field('int64', 'Size in bytes.')
  sizeBytes?: number;
}

@Describe('NodeStatus is the observed state of a node.')
export class NodeStatus {
  @Field(map('quantity'), 'What the machine has.')
  capacity?: ResourceList;

  @Field(map('quantity'), 'What pods may have of it.')
  allocatable?: ResourceList;

  @Field('string', 'No longer filled in.')
  phase?: string;

  @Field(list(() => NodeCondition, { merge: 'type' }), 'Ready, MemoryPressure, DiskPressure …')
  conditions?: NodeCondition[];

  @Field(list(() => NodeAddress, { merge: 'type' }), 'Addresses of the machine.')
  addresses?: NodeAddress[];

  @Field('any', 'Ports of the agent; it dials out and has none.')
  daemonEndpoints?: unknown;

  @Field(() => NodeSystemInfo, 'Machine and software.')
  nodeInfo?: NodeSystemInfo;

  @Field(list(() => ContainerImage), 'Images that the node has.')
  images?: ContainerImage[];

  @Field(list('string'), 'Volumes in use.')
  volumesInUse?: string[];

  @Field(list('any'), 'Volumes attached.')
  volumesAttached?: unknown[];

  @Field('any', 'What the runtimes of the node can do.')
  runtimeHandlers?: unknown;

  @Field('any', 'What the runtime can do.')
  features?: unknown;

  @Field('any', 'Configuration of the agent.')
  config?: unknown;
}

@Describe('Node is a machine that runs pods.')
export class Node extends ApiObject {
  @Field(() => NodeSpec, 'Desired state.')
  spec: NodeSpec;

  @Field(
    () => NodeStatus,
    'Observed state; written by the agent and the node lifecycle controller.',
  )
  status?: NodeStatus;
}
