import { Describe, Field, IsIn, Min, list } from '@gantry/api-machinery';

@Describe('SELinuxOptions is the SELinux label of a container.')
export class SELinuxOptions {
  @Field('string', 'User.')
  user?: string;

  @Field('string', 'Role.')
  role?: string;

  @Field('string', 'Type.')
  type?: string;

  @Field('string', 'Level.')
  level?: string;
}

@Describe('SeccompProfile chooses the system call filter.')
export class SeccompProfile {
  @IsIn(['RuntimeDefault', 'Unconfined', 'Localhost'])
  @Field('string', 'RuntimeDefault, Unconfined or Localhost.', { required: true })
  type: 'RuntimeDefault' | 'Unconfined' | 'Localhost';

  @Field('string', "Path below the node's seccomp directory; with Localhost only.")
  localhostProfile?: string;
}

@Describe('AppArmorProfile chooses the AppArmor profile.')
export class AppArmorProfile {
  @IsIn(['RuntimeDefault', 'Unconfined', 'Localhost'])
  @Field('string', 'RuntimeDefault, Unconfined or Localhost.', { required: true })
  type: 'RuntimeDefault' | 'Unconfined' | 'Localhost';

  @Field('string', 'Name of a profile loaded on the node; with Localhost only.')
  localhostProfile?: string;
}

@Describe('Sysctl is one kernel parameter of the pod.')
export class Sysctl {
  @Field('string', 'Name of the parameter.', { required: true })
  name: string;

  @Field('string', 'Value.', { required: true })
  value: string;
}

@Describe('Capabilities are added to or dropped from the default set.')
export class Capabilities {
  @Field(list('string'), 'Added, without the CAP_ prefix; ALL for all.')
  add?: string[];

  @Field(list('string'), 'Dropped, without the CAP_ prefix; ALL for all.')
  drop?: string[];
}

@Describe('PodSecurityContext holds security settings for the whole pod.')
export class PodSecurityContext {
  @Field(() => SELinuxOptions, 'SELinux label of all containers.')
  seLinuxOptions?: SELinuxOptions;

  @Field('any', 'Windows only.', { unsupported: 'gantry runs on Linux only' })
  windowsOptions?: unknown;

  @Min(0)
  @Field('int64', 'User that entry points run as.')
  runAsUser?: number;

  @Min(0)
  @Field('int64', 'Group that entry points run as.')
  runAsGroup?: number;

  @Field('boolean', 'Refuse to start a container as user 0.')
  runAsNonRoot?: boolean;

  @Field(list('int64'), 'Further groups of the processes.')
  supplementalGroups?: number[];

  @IsIn(['Merge', 'Strict'])
  @Field('string', "Merge (with the image's groups) or Strict.")
  supplementalGroupsPolicy?: 'Merge' | 'Strict';

  @Min(0)
  @Field('int64', 'Group that owns the volumes that support it.')
  fsGroup?: number;

  @IsIn(['OnRootMismatch', 'Always'])
  @Field('string', 'When the ownership of a volume is changed: OnRootMismatch or Always.')
  fsGroupChangePolicy?: 'OnRootMismatch' | 'Always';

  @Field('string', 'How volumes are relabelled: MountOption or Recursive.')
  seLinuxChangePolicy?: string;

  @Field(list(() => Sysctl), "Kernel parameters of the pod's namespaces.")
  sysctls?: Sysctl[];

  @Field(() => SeccompProfile, 'System call filter of all containers.')
  seccompProfile?: SeccompProfile;

  @Field(() => AppArmorProfile, 'AppArmor profile of all containers.')
  appArmorProfile?: AppArmorProfile;
}

@Describe('SecurityContext holds security settings of one container; it wins over the pod.')
export class SecurityContext {
  @Field(() => Capabilities, 'Capabilities to add and to drop.')
  capabilities?: Capabilities;

  @Field('boolean', 'Run with all capabilities and devices, as root on the host.')
  privileged?: boolean;

  @Field(() => SELinuxOptions, 'SELinux label.')
  seLinuxOptions?: SELinuxOptions;

  @Field('any', 'Windows only.', { unsupported: 'gantry runs on Linux only' })
  windowsOptions?: unknown;

  @Min(0)
  @Field('int64', 'User that the entry point runs as.')
  runAsUser?: number;

  @Min(0)
  @Field('int64', 'Group that the entry point runs as.')
  runAsGroup?: number;

  @Field('boolean', 'Refuse to start as user 0.')
  runAsNonRoot?: boolean;

  @Field('boolean', 'Whether the root file system is read-only.')
  readOnlyRootFilesystem?: boolean;

  @Field('boolean', 'Whether a process may gain more privileges than its parent.')
  allowPrivilegeEscalation?: boolean;

  @IsIn(['Default', 'Unmasked'])
  @Field('string', 'Default or Unmasked.')
  procMount?: 'Default' | 'Unmasked';

  @Field(() => SeccompProfile, 'System call filter.')
  seccompProfile?: SeccompProfile;

  @Field(() => AppArmorProfile, 'AppArmor profile.')
  appArmorProfile?: AppArmorProfile;
}
