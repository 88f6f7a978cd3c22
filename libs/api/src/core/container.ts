import { Describe, Field, IsIn, list } from '@gantry/api-machinery';
import { EnvFromSource, EnvVar } from './env.js';
import { Lifecycle, Probe } from './probe.js';
import { ResourceRequirements } from './resources.js';
import { SecurityContext } from './security-context.js';

export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';
export type Protocol = 'TCP' | 'UDP' | 'SCTP';

@Describe('ContainerPort names a port on which the container listens.')
export class ContainerPort {
  @Field('string', 'Name, unique in the pod, by which Services and probes refer to the port.')
  name?: string;

  @Field('int32', 'Port on the host, 1 to 65535.')
  hostPort?: number;

  @Field('int32', 'Port in the pod, 1 to 65535.', { required: true })
  containerPort: number;

  @IsIn(['TCP', 'UDP', 'SCTP'])
  @Field('string', 'TCP, UDP or SCTP.', { default: 'TCP' })
  protocol?: Protocol;

  @Field('string', 'Address of the host to bind hostPort to.')
  hostIP?: string;
}

@Describe('VolumeMount puts a volume of the pod into the container.')
export class VolumeMount {
  @Field('string', 'Name of the volume.', { required: true })
  name: string;

  @Field('boolean', 'Whether the mount is read-only.')
  readOnly?: boolean;

  @IsIn(['Disabled', 'IfPossible', 'Enabled'])
  @Field('string', 'Whether mounts below are read-only too.')
  recursiveReadOnly?: 'Disabled' | 'IfPossible' | 'Enabled';

  @Field('string', 'Path in the container; without colon.', { required: true })
  mountPath: string;

  @Field('string', 'Relative path in the volume that is mounted; without `..`.')
  subPath?: string;

  @IsIn(['None', 'HostToContainer', 'Bidirectional'])
  @Field('string', 'How mounts travel between host and container.')
  mountPropagation?: 'None' | 'HostToContainer' | 'Bidirectional';

  @Field('string', 'As subPath, with $(NAME) standing for variables.')
  subPathExpr?: string;
}

@Describe('ContainerResizePolicy says what happens when resources are resized.')
export class ContainerResizePolicy {
  @Field('string', 'cpu or memory.', { required: true })
  resourceName: string;

  @IsIn(['NotRequired', 'RestartContainer'])
  @Field('string', 'NotRequired or RestartContainer.', { required: true })
  restartPolicy: 'NotRequired' | 'RestartContainer';
}

@Describe('Container is one container of a pod.')
export class Container {
  @Field('string', 'Name, unique in the pod; a DNS label.', { required: true })
  name: string;

  @Field('string', 'Image reference: [REGISTRY/]NAME[:TAG][@DIGEST].')
  image?: string;

  @Field(list('string'), "Entry point instead of the image's; no shell is involved.")
  command?: string[];

  @Field(list('string'), "Arguments instead of the image's CMD.")
  args?: string[];

  @Field('string', "Working directory instead of the image's.")
  workingDir?: string;

  @Field(
    list(() => ContainerPort, { merge: 'containerPort', keys: ['containerPort', 'protocol'] }),
    'Ports on which the container listens; informative but for hostPort.',
  )
  ports?: ContainerPort[];

  @Field(list(() => EnvFromSource), 'Variables from all keys of ConfigMaps and Secrets.')
  envFrom?: EnvFromSource[];

  @Field(list(() => EnvVar, { merge: 'name' }), 'Environment variables.')
  env?: EnvVar[];

  @Field(() => ResourceRequirements, 'Requests and limits.', { default: () => ({}) })
  resources?: ResourceRequirements;

  @Field(list(() => ContainerResizePolicy), 'What happens when resources are resized.')
  resizePolicy?: ContainerResizePolicy[];

  @IsIn(['Always'])
  @Field('string', 'Always makes an init container a sidecar that runs beside the others.')
  restartPolicy?: 'Always';

  @Field(list(() => VolumeMount, { merge: 'mountPath' }), 'Where volumes are mounted.')
  volumeMounts?: VolumeMount[];

  @Field(list('any', { merge: 'devicePath' }), 'Raw block devices.', {
    unsupported: 'raw block volumes are not served; use volumeMounts',
  })
  volumeDevices?: unknown[];

  @Field(() => Probe, 'While it fails the container is restarted.')
  livenessProbe?: Probe;

  @Field(() => Probe, 'While it fails the pod is not ready.')
  readinessProbe?: Probe;

  @Field(() => Probe, 'The other probes wait until it has succeeded once.')
  startupProbe?: Probe;

  @Field(() => Lifecycle, 'Hooks after the start and before the stop.')
  lifecycle?: Lifecycle;

  @Field('string', 'File in the container whose content becomes the termination message.', {
    default: '/dev/termination-log',
  })
  terminationMessagePath?: string;

  @IsIn(['File', 'FallbackToLogsOnError'])
  @Field('string', 'File or FallbackToLogsOnError.', { default: 'File' })
  terminationMessagePolicy?: 'File' | 'FallbackToLogsOnError';

  @IsIn(['Always', 'IfNotPresent', 'Never'])
  @Field('string', 'Always (default for :latest), IfNotPresent or Never.')
  imagePullPolicy?: PullPolicy;

  @Field(() => SecurityContext, 'Security settings of this container.')
  securityContext?: SecurityContext;

  @Field('boolean', 'Whether stdin stays open for attach.')
  stdin?: boolean;

  @Field('boolean', 'Whether stdin closes after the first attached client has left.')
  stdinOnce?: boolean;

  @Field('boolean', 'Whether the container gets a terminal; needs stdin.')
  tty?: boolean;
}
