import {
  ApiObject,
  ConditionBase,
  Describe,
  Field,
  IsIn,
  list,
  map,
  defineKind,
  type FieldError,
  duplicate,
  invalidValue,
  forbidden,
  labelValueRule,
  qualifiedNameRule,
} from '@gantry/api-machinery';
import type { TaintEffect } from './affinity.js';
import type { ResourceList } from './resources.js';
import { nodeColumns } from './node-columns.js';
import { validateAmount } from './validate-resources.js';
import { isIP } from 'node:net';

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

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const most = isIP(address) === 4 ? 32 : 128;
  return rest.length === 0 && isIP(address) !== 0 && /^\d+$/.test(bits) && Number(bits) <= most;
}

function validateTaints(taints: readonly Taint[]): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const at = `spec.taints[${index}]`;
    const errors: FieldError[] = [];
    const badKey = taint.key ? qualifiedNameRule(taint.key) : undefined;
    if (badKey) errors.push(invalidValue(`${at}.key`, taint.key, badKey));
    const badValue = labelValueRule(taint.value ?? '');
    if (badValue) errors.push(invalidValue(`${at}.value`, taint.value, badValue));
    const key = `${taint.key}:${taint.effect}`;
    if (seen.has(key)) errors.push(duplicate(at, key));
    seen.add(key);
    return errors;
  });
}

function validateCidrs({ podCIDR, podCIDRs = [] }: NodeSpec): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, cidr] of podCIDRs.entries()) {
    if (isCidr(cidr)) continue;
    errors.push(invalidValue(`spec.podCIDRs[${index}]`, cidr, 'must be a valid CIDR value'));
  }
  if (podCIDR && podCIDRs.length > 0 && podCIDRs[0] !== podCIDR) {
    errors.push(invalidValue('spec.podCIDR', podCIDR, 'must be the first of podCIDRs'));
  }
  return errors;
}

function validateNode({ spec, status }: Node): FieldError[] {
  const errors = [...validateTaints(spec.taints ?? []), ...validateCidrs(spec)];
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(status?.[list] ?? {})) {
      errors.push(...validateAmount(name, amount, `status.${list}[${name}]`));
    }
  }
  return errors;
}

function validateNodeUpdate({ spec }: Node, old: Node): FieldError[] {
  if (!old.spec.podCIDR || spec.podCIDR === old.spec.podCIDR) return [];
  return [forbidden('spec.podCIDR', 'node updates may not change podCIDR except from "" to valid')];
}

export const NodeKind = defineKind<Node>({
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  type: Node,
  subresources: { status: true },
  columns: nodeColumns,
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
  setDefaults(node) {
    node.spec ??= {};
    const { spec } = node;
    if (spec.podCIDR) spec.podCIDRs ??= [spec.podCIDR];
    else if (spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
  },
  validate: validateNode,
  validateUpdate: validateNodeUpdate,
  // The agent registers itself with what it has observed.
  initialStatus: ({ status }) => status ?? {},
});
