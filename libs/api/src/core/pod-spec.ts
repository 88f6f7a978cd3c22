import { Describe, Field, IsIn, Min, list, map } from '@gantry/api-machinery';
import { Affinity, Toleration, TopologySpreadConstraint } from './affinity.js';
import { Container } from './container.js';
import { LocalObjectReference } from './references.js';
import { ResourceRequirements, type ResourceList } from './resources.js';
import { PodSecurityContext } from './security-context.js';
import { Volume } from './volume.js';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';
export type DNSPolicy = 'ClusterFirst' | 'ClusterFirstWithHostNet' | 'Default' | 'None';

@Describe('HostAlias adds a line to /etc/hosts of the pod.')
export class HostAlias {
  @Field('string', 'Address.', { required: true })
  ip: string;

  @Field(list('string'), 'Names for the address.')
  hostnames?: string[];
}

@Describe('PodDNSConfigOption is one option of the resolver.')
export class PodDNSConfigOption {
  @Field('string', 'Name of the option.')
  name?: string;

  @Field('string', 'Value of the option.')
  value?: string;
}

@Describe('PodDNSConfig is merged into the resolver configuration made from dnsPolicy.')
export class PodDNSConfig {
  @Field(list('string'), 'Addresses of name servers.')
  nameservers?: string[];

  @Field(list('string'), 'Search domains.')
  searches?: string[];

  @Field(list(() => PodDNSConfigOption), 'Options of the resolver.')
  options?: PodDNSConfigOption[];
}

@Describe('PodReadinessGate names a condition that must be True for the pod to be ready.')
export class PodReadinessGate {
  @Field('string', 'Type of the condition.', { required: true })
  conditionType: string;
}

@Describe('PodSchedulingGate keeps a pod from being scheduled while it is there.')
export class PodSchedulingGate {
  @Field('string', 'Name of the gate.', { required: true })
  name: string;
}

@Describe('PodOS names the operating system of the containers.')
export class PodOS {
  @IsIn(['linux'])
  @Field('string', 'Only linux.', { required: true })
  name: 'linux';
}

@Describe('PodSpec is the desired state of a pod.')
export class PodSpec {
  @Field(
    list(() => Volume, { merge: 'name', retainKeys: true }),
    'Volumes that the containers may mount.',
  )
  volumes?: Volume[];

  @Field(
    list(() => Container, { merge: 'name' }),
    'Run one after the other, each to its end, before the containers start.',
  )
  initContainers?: Container[];

  @Field(list(() => Container, { merge: 'name' }), 'Containers; at least one.', { required: true })
  containers: Container[];

  @Field(list('any', { merge: 'name' }), 'Containers for debugging a running pod.', {
    unsupported: 'ephemeral containers are not served',
  })
  ephemeralContainers?: unknown[];

  @IsIn(['Always', 'OnFailure', 'Never'])
  @Field('string', 'Always, OnFailure or Never.', { default: 'Always' })
  restartPolicy?: RestartPolicy;

  @Min(0)
  @Field('int64', 'Seconds from the stop signal to the kill.', { default: 30 })
  terminationGracePeriodSeconds?: number;

  @Min(1)
  @Field('int64', 'Seconds after which the pod is failed, from its start.')
  activeDeadlineSeconds?: number;

  @IsIn(['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'])
  @Field('string', 'ClusterFirst, ClusterFirstWithHostNet, Default or None.', {
    default: 'ClusterFirst',
  })
  dnsPolicy?: DNSPolicy;

  @Field(map('string'), 'Labels a node must have.')
  nodeSelector?: Record<string, string>;

  @Field('string', 'Accepted for compatibility; there are no service account tokens.')
  serviceAccountName?: string;

  @Field('string', 'Former name of serviceAccountName.')
  serviceAccount?: string;

  @Field('boolean', 'Accepted for compatibility; no token is mounted.')
  automountServiceAccountToken?: boolean;

  @Field('string', 'Node the pod is bound to; set by the scheduler, or by the user to bypass it.')
  nodeName?: string;

  @Field('boolean', "Use the host's network.")
  hostNetwork?: boolean;

  @Field('boolean', "Use the host's process ids.")
  hostPID?: boolean;

  @Field('boolean', "Use the host's IPC.")
  hostIPC?: boolean;

  @Field('boolean', 'Share one process id namespace among the containers.')
  shareProcessNamespace?: boolean;

  @Field('boolean', 'False maps the containers into a user namespace of their own.')
  hostUsers?: boolean;

  @Field(() => PodSecurityContext, 'Security settings for all containers.', {
    default: () => ({}),
  })
  securityContext?: PodSecurityContext;

  @Field(
    list(() => LocalObjectReference, { merge: 'name' }),
    'Secrets with credentials for the registries.',
  )
  imagePullSecrets?: LocalObjectReference[];

  @Field('string', 'Host name of the pod; its own name when absent.')
  hostname?: string;

  @Field('string', 'Subdomain of the pod.')
  subdomain?: string;

  @Field('boolean', 'Set the host name to the fully qualified one.')
  setHostnameAsFQDN?: boolean;

  @Field(() => Affinity, 'What draws the pod and what keeps it away.')
  affinity?: Affinity;

  @Field('string', 'Scheduler that places the pod.', { default: 'default-scheduler' })
  schedulerName?: string;

  @Field(list(() => Toleration), 'Taints that the pod tolerates.')
  tolerations?: Toleration[];

  @Field(list(() => HostAlias, { merge: 'ip' }), 'Further lines of /etc/hosts.')
  hostAliases?: HostAlias[];

  @Field('string', 'Name of the priority class.')
  priorityClassName?: string;

  @Field('int32', 'Priority; higher ones go first.')
  priority?: number;

  @Field(() => PodDNSConfig, 'Merged into what dnsPolicy makes.')
  dnsConfig?: PodDNSConfig;

  @Field(list(() => PodReadinessGate), 'Conditions that readiness waits for.')
  readinessGates?: PodReadinessGate[];

  @Field('string', 'Name of the runtime class.')
  runtimeClassName?: string;

  @Field('boolean', 'Whether variables for the Services of the namespace are made.')
  enableServiceLinks?: boolean;

  @IsIn(['Never', 'PreemptLowerPriority'])
  @Field('string', 'Never or PreemptLowerPriority.')
  preemptionPolicy?: 'Never' | 'PreemptLowerPriority';

  @Field(map('quantity'), 'What the runtime class costs.')
  overhead?: ResourceList;

  @Field(
    list(() => TopologySpreadConstraint, {
      merge: 'topologyKey',
      keys: ['topologyKey', 'whenUnsatisfiable'],
    }),
    'How the pods are spread.',
  )
  topologySpreadConstraints?: TopologySpreadConstraint[];

  @Field(() => PodOS, 'Operating system of the containers.')
  os?: PodOS;

  @Field(list(() => PodSchedulingGate, { merge: 'name' }), 'While one is there, the pod waits.')
  schedulingGates?: PodSchedulingGate[];

  @Field(list('any', { merge: 'name', retainKeys: true }), 'Claims of devices.', {
    unsupported: 'dynamic resource allocation is not served; ask for extended resources instead',
  })
  resourceClaims?: unknown[];

  @Field(() => ResourceRequirements, 'Requests and limits of the pod as a whole.', {
    unsupported: 'pod-level resources are not served; set them on the containers',
  })
  resources?: ResourceRequirements;
}
