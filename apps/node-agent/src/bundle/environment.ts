import type {
  ConfigMap,
  Container,
  EnvFromSource,
  EnvVar,
  RuntimeClass,
  Secret,
} from '@gantry/api';
import { ContainerConfigError } from './config-error.js';
import { expand } from './expand.js';
import { fieldValue, resourceValue, type FieldContext } from './fields.js';

/** The ConfigMaps and Secrets of the pod's namespace, as far as the agent was given them. */
export interface ResourceLookup {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
  runtimeClass(name: string): RuntimeClass | undefined;
}

type Values = Map<string, string>;

function configMapValues(object: ConfigMap): Record<string, string> {
  return object.data ?? {};
}

function secretValues(object: Secret): Record<string, string> {
  const entries = Object.entries(object.data ?? {});
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

interface Reference {
  readonly kind: 'configmap' | 'secret';
  readonly name: string;
  readonly optional: boolean;
}

/** All keys of the object; undefined when it is missing and may be. */
function lookUp(reference: Reference, lookup: ResourceLookup): Record<string, string> | undefined {
  const { kind, name, optional } = reference;
  const configMap = kind === 'configmap' ? lookup.configMap(name) : undefined;
  if (configMap) return configMapValues(configMap);
  const secret = kind === 'secret' ? lookup.secret(name) : undefined;
  if (secret) return secretValues(secret);
  if (optional) return undefined;
  throw new ContainerConfigError(`${kind} "${name}" not found`);
}

function keyOf(reference: Reference, key: string, lookup: ResourceLookup): string | undefined {
  const values = lookUp(reference, lookup);
  if (values && Object.hasOwn(values, key)) return values[key];
  if (reference.optional) return undefined;
  throw new ContainerConfigError(
    `couldn't find key ${key} in ${reference.kind} "${reference.name}"`,
  );
}

function fromSource(source: EnvFromSource, lookup: ResourceLookup): [string, string][] {
  const { configMapRef, secretRef, prefix = '' } = source;
  const ref = configMapRef ?? secretRef;
  if (!ref?.name) return [];
  const kind = configMapRef ? 'configmap' : 'secret';
  const values = lookUp({ kind, name: ref.name, optional: ref.optional ?? false }, lookup) ?? {};
  // A name with "=" or NUL would forge other variables; Kubernetes skips such keys as well.
  const valid = Object.entries(values).filter(([key]) => /^[^=\0]+$/.test(key));
  return valid.map(([key, value]) => [prefix + key, value]);
}

function variable(
  entry: EnvVar,
  values: Values,
  container: Container,
  context: FieldContext,
  lookup: ResourceLookup,
): string | undefined {
  const source = entry.valueFrom;
  if (!source) return expand(entry.value ?? '', values);
  if (source.fieldRef) return fieldValue(source.fieldRef, context);
  if (source.resourceFieldRef) return resourceValue(source.resourceFieldRef, context, container);
  const { configMapKeyRef, secretKeyRef } = source;
  const ref = configMapKeyRef ?? secretKeyRef;
  if (!ref) return undefined;
  const kind = configMapKeyRef ? 'configmap' : 'secret';
  return keyOf({ kind, name: ref.name ?? '', optional: ref.optional ?? false }, ref.key, lookup);
}

/**
 * The variables of a container in order: the image's, those of envFrom, those of env. Later ones win,
 * and $(NAME) in env sees everything before it. ContainerConfigError names what is missing.
 */
export function environment(
  container: Container,
  imageEnv: readonly string[],
  context: FieldContext,
  lookup: ResourceLookup,
): Map<string, string> {
  const podValues: Values = new Map([['HOSTNAME', hostnameOf(context)]]);
  for (const source of container.envFrom ?? []) {
    for (const [name, value] of fromSource(source, lookup)) podValues.set(name, value);
  }
  for (const entry of container.env ?? []) {
    const value = variable(entry, podValues, container, context, lookup);
    if (value?.includes('\0')) throw new ContainerConfigError(`env ${entry.name}: has a NUL byte`);
    if (value !== undefined) podValues.set(entry.name, value);
  }
  const result: Values = new Map();
  for (const line of imageEnv) {
    const at = line.indexOf('=');
    if (at > 0) result.set(line.slice(0, at), line.slice(at + 1));
  }
  if (!result.has('PATH')) {
    result.set('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
  }
  for (const [name, value] of podValues) result.set(name, value);
  return result;
}

/** The name that the pod's containers see as their host's; at most 63 characters, as the kernel shows it. */
export function hostnameOf(context: Pick<FieldContext, 'pod' | 'nodeName'>): string {
  const { spec, metadata } = context.pod;
  const name = spec.hostNetwork ? context.nodeName : (spec.hostname ?? metadata.name!);
  return name.slice(0, 63).replace(/[.-]+$/, '');
}
