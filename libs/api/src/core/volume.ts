import { Describe, Field, IsIn, Max, Min, list } from '@gantry/api-machinery';
import { ObjectFieldSelector, ResourceFieldSelector } from './env.js';
import type { Quantity } from './resources.js';

const notServed =
  'volumes of this type are not served; use emptyDir, hostPath, configMap, secret, downwardAPI, projected or persistentVolumeClaim';

@Describe('KeyToPath puts one key into a file.')
export class KeyToPath {
  @Field('string', 'Key to put.', { required: true })
  key: string;

  @Field('string', 'Relative path of the file; without `..`.', { required: true })
  path: string;

  @Min(0)
  @Max(0o777)
  @Field('int32', 'Permission bits of the file, e.g. 0644 or 420.')
  mode?: number;
}

@Describe('EmptyDirVolumeSource is a directory that lives as long as the pod.')
export class EmptyDirVolumeSource {
  @Field('string', 'Empty for the disk of the node, Memory for tmpfs.')
  medium?: string;

  @Field('quantity', 'The most it may hold.')
  sizeLimit?: Quantity;
}

export type HostPathType =
  | ''
  | 'DirectoryOrCreate'
  | 'Directory'
  | 'FileOrCreate'
  | 'File'
  | 'Socket'
  | 'CharDevice'
  | 'BlockDevice';

@Describe('HostPathVolumeSource is a path of the node.')
export class HostPathVolumeSource {
  @Field('string', 'Absolute path on the node; without `..`.', { required: true })
  path: string;

  @IsIn([
    '',
    'DirectoryOrCreate',
    'Directory',
    'FileOrCreate',
    'File',
    'Socket',
    'CharDevice',
    'BlockDevice',
  ])
  @Field('string', 'What must be there or is made before the mount; empty: no check.', {
    default: '',
  })
  type?: HostPathType;
}

@Describe('ConfigMapVolumeSource shows the keys of a ConfigMap as files.')
export class ConfigMapVolumeSource {
  @Field('string', 'Name of the ConfigMap.')
  name?: string;

  @Field(list(() => KeyToPath), 'Only these keys; all when empty.')
  items?: KeyToPath[];

  @Min(0)
  @Max(0o777)
  @Field('int32', 'Permission bits of the files, e.g. 0644 or 420.', { default: 0o644 })
  defaultMode?: number;

  @Field('boolean', 'Whether the ConfigMap or its keys may be missing.')
  optional?: boolean;
}

@Describe('SecretVolumeSource shows the keys of a Secret as files, kept in memory.')
export class SecretVolumeSource {
  @Field('string', 'Name of the Secret.')
  secretName?: string;

  @Field(list(() => KeyToPath), 'Only these keys; all when empty.')
  items?: KeyToPath[];

  @Min(0)
  @Max(0o777)
  @Field('int32', 'Permission bits of the files, e.g. 0644 or 420.', { default: 0o644 })
  defaultMode?: number;

  @Field('boolean', 'Whether the Secret or its keys may be missing.')
  optional?: boolean;
}

@Describe('DownwardAPIVolumeFile puts a field of the pod into a file.')
export class DownwardAPIVolumeFile {
  @Field('string', 'Relative path of the file; without `..`.', { required: true })
  path: string;

  @Field(() => ObjectFieldSelector, 'A field of the pod.')
  fieldRef?: ObjectFieldSelector;

  @Field(() => ResourceFieldSelector, 'A limit or request of a container.')
  resourceFieldRef?: ResourceFieldSelector;

  @Min(0)
  @Max(0o777)
  @Field('int32', 'Permission bits of the file, e.g. 0644 or 420.')
  mode?: number;
}

@Describe('DownwardAPIVolumeSource shows fields of the pod as files.')
export class DownwardAPIVolumeSource {
  @Field(list(() => DownwardAPIVolumeFile), 'The files.')
  items?: DownwardAPIVolumeFile[];

  @Min(0)
  @Max(0o777)
  @Field('int32', 'Permission bits of the files, e.g. 0644 or 420.', { default: 0o644 })
  defaultMode?: number;
}

@Describe('ConfigMapProjection is a ConfigMap in a projected volume.')
export class ConfigMapProjection {
  @Field('string', 'Name of the ConfigMap.')
  name?: string;

  @Field(list(() => KeyToPath), 'Only these keys; all when empty.')
  items?: KeyToPath[];

  @Field('boolean', 'Whether the ConfigMap or its keys may be missing.')
  optional?: boolean;
}

@Describe('SecretProjection is a Secret in a projected volume.')
export class SecretProjection {
  @Field('string', 'Name of the Secret.')
  name?: string;

  @Field(list(() => KeyToPath), 'Only these keys; all when empty.')
  items?: KeyToPath[];

  @Field('boolean', 'Whether the Secret or its keys may be missing.')
  optional?: boolean;
}

@Describe('DownwardAPIProjection is fields of the pod in a projected volume.')
export class DownwardAPIProjection {
  @Field(list(() => DownwardAPIVolumeFile), 'The files.')
  items?: DownwardAPIVolumeFile[];
}

@Describe('VolumeProjection is one source of a projected volume; exactly one is set.')
export class VolumeProjection {
  @Field(() => SecretProjection, 'A Secret.')
  secret?: SecretProjection;

  @Field(() => DownwardAPIProjection, 'Fields of the pod.')
  downwardAPI?: DownwardAPIProjection;

  @Field(() => ConfigMapProjection, 'A ConfigMap.')
  configMap?: ConfigMapProjection;

  @Field('any', 'A token of a service account.', {
    unsupported: 'there are no service account tokens to project',
  })
  serviceAccountToken?: unknown;

  @Field('any', 'A bundle of trust anchors.', { unsupported: 'there are no trust bundles' })
  clusterTrustBundle?: unknown;
}

@Describe('ProjectedVolumeSource shows several sources in one directory.')
export class ProjectedVolumeSource {
  @Field(list(() => VolumeProjection), 'The sources.')
  sources?: VolumeProjection[];

  @Min(0)
  @Max(0o777)
  @Field('int32', 'Permission bits of the files, e.g. 0644 or 420.', { default: 0o644 })
  defaultMode?: number;
}

@Describe('PersistentVolumeClaimVolumeSource names a claim in the same namespace.')
export class PersistentVolumeClaimVolumeSource {
  @Field('string', 'Name of the claim.', { required: true })
  claimName: string;

  @Field('boolean', 'Whether the containers may only read it.')
  readOnly?: boolean;
}

@Describe(
  'Volume is a directory that the containers of the pod may mount; exactly one source is set.',
)
export class Volume {
  @Field('string', 'Name, unique in the pod; a DNS label.', { required: true })
  name: string;

  @Field(() => EmptyDirVolumeSource, 'A directory that lives as long as the pod.')
  emptyDir?: EmptyDirVolumeSource;

  @Field(() => HostPathVolumeSource, 'A path of the node.')
  hostPath?: HostPathVolumeSource;

  @Field(() => ConfigMapVolumeSource, 'The keys of a ConfigMap.')
  configMap?: ConfigMapVolumeSource;

  @Field(() => SecretVolumeSource, 'The keys of a Secret.')
  secret?: SecretVolumeSource;

  @Field(() => DownwardAPIVolumeSource, 'Fields of the pod.')
  downwardAPI?: DownwardAPIVolumeSource;

  @Field(() => ProjectedVolumeSource, 'Several sources in one directory.')
  projected?: ProjectedVolumeSource;

  @Field(() => PersistentVolumeClaimVolumeSource, 'The volume of a claim.')
  persistentVolumeClaim?: PersistentVolumeClaimVolumeSource;

  @Field('any', 'A claim made for this pod.', { unsupported: notServed })
  ephemeral?: unknown;

  @Field('any', 'A volume of a CSI driver.', { unsupported: notServed })
  csi?: unknown;

  @Field('any', 'A share of an NFS server.', { unsupported: notServed })
  nfs?: unknown;

  @Field('any', 'An iSCSI disk.', { unsupported: notServed })
  iscsi?: unknown;

  @Field('any', 'A Fibre Channel disk.', { unsupported: notServed })
  fc?: unknown;

  @Field('any', 'The file system of an image.', { unsupported: notServed })
  image?: unknown;
}
