import { Describe, Field } from '@gantry/api-machinery';
import type { Quantity } from './resources.js';

@Describe('ObjectFieldSelector takes a value from the pod itself.')
export class ObjectFieldSelector {
  @Field('string', 'Version of the schema that fieldPath is written in.', { default: 'v1' })
  apiVersion?: string;

  @Field('string', 'Path of the field, e.g. metadata.name or status.podIP.', { required: true })
  fieldPath: string;
}

@Describe("ResourceFieldSelector takes a value from a container's limits or requests.")
export class ResourceFieldSelector {
  @Field('string', 'Container; needed in volumes, in env the own one when absent.')
  containerName?: string;

  @Field('string', 'limits.cpu, limits.memory, requests.cpu …', { required: true })
  resource: string;

  @Field('quantity', 'Unit in which the value is given; rounded up.')
  divisor?: Quantity;
}

@Describe('ConfigMapKeySelector names a key of a ConfigMap.')
export class ConfigMapKeySelector {
  @Field('string', 'Name of the ConfigMap.')
  name?: string;

  @Field('string', 'Key in it.', { required: true })
  key: string;

  @Field('boolean', 'Whether the ConfigMap or the key may be missing.')
  optional?: boolean;
}

@Describe('SecretKeySelector names a key of a Secret.')
export class SecretKeySelector {
  @Field('string', 'Name of the Secret.')
  name?: string;

  @Field('string', 'Key in it.', { required: true })
  key: string;

  @Field('boolean', 'Whether the Secret or the key may be missing.')
  optional?: boolean;
}

@Describe('EnvVarSource says where the value of a variable comes from; exactly one is set.')
export class EnvVarSource {
  @Field(() => ObjectFieldSelector, 'A field of the pod.')
  fieldRef?: ObjectFieldSelector;

  @Field(() => ResourceFieldSelector, 'A limit or request of a container.')
  resourceFieldRef?: ResourceFieldSelector;

  @Field(() => ConfigMapKeySelector, 'A key of a ConfigMap.')
  configMapKeyRef?: ConfigMapKeySelector;

  @Field(() => SecretKeySelector, 'A key of a Secret.')
  secretKeyRef?: SecretKeySelector;
}

@Describe('EnvVar is one environment variable of a container.')
export class EnvVar {
  @Field('string', 'Name of the variable.', { required: true })
  name: string;

  @Field('string', 'Value; $(NAME) stands for a variable defined before, $$ for a dollar.')
  value?: string;

  @Field(() => EnvVarSource, 'Source of the value; only without value.')
  valueFrom?: EnvVarSource;
}

@Describe('ConfigMapEnvSource takes all keys of a ConfigMap.')
export class ConfigMapEnvSource {
  @Field('string', 'Name of the ConfigMap.')
  name?: string;

  @Field('boolean', 'Whether it may be missing.')
  optional?: boolean;
}

@Describe('SecretEnvSource takes all keys of a Secret.')
export class SecretEnvSource {
  @Field('string', 'Name of the Secret.')
  name?: string;

  @Field('boolean', 'Whether it may be missing.')
  optional?: boolean;
}

@Describe('EnvFromSource makes variables of all keys of a ConfigMap or Secret.')
export class EnvFromSource {
  @Field('string', 'Put before each key.')
  prefix?: string;

  @Field(() => ConfigMapEnvSource, 'The ConfigMap.')
  configMapRef?: ConfigMapEnvSource;

  @Field(() => SecretEnvSource, 'The Secret.')
  secretRef?: SecretEnvSource;
}
