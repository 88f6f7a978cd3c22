import type { Pod, Volume } from '@gantry/api';

/** A ConfigMap, Secret or RuntimeClass, as `KIND/NAMESPACE/NAME`; the namespace may be empty. */
export type ResourceKey = string;

export type ResourceKind = 'ConfigMap' | 'Secret' | 'RuntimeClass';

export function resourceKey(kind: ResourceKind, namespace: string, name: string): ResourceKey {
  return `${kind}/${namespace}/${name}`;
}

export function splitResourceKey(
  key: ResourceKey,
): [ResourceKind, namespace: string, name: string] {
  return key.split('/') as [ResourceKind, string, string];
}

type Found = [ResourceKind, string | undefined];

function ofVolume(volume: Volume): Found[] {
  const projected = (volume.projected?.sources ?? []).flatMap((source): Found[] => [
    ['ConfigMap', source.configMap?.name],
    ['Secret', source.secret?.name],
  ]);
  return [
    ['ConfigMap', volume.configMap?.name],
    ['Secret', volume.secret?.secretName],
    ...projected,
  ];
}

/** The objects that a pod's agent needs to run it. */
export function referencesOf(pod: Pod): Set<ResourceKey> {
  const { spec, metadata } = pod;
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const found: Found[] = [
    ...(spec.volumes ?? []).flatMap(ofVolume),
    ...(spec.imagePullSecrets ?? []).map(({ name }): Found => ['Secret', name]),
    ...containers.flatMap((container) => [
      ...(container.envFrom ?? []).flatMap((source): Found[] => [
        ['ConfigMap', source.configMapRef?.name],
        ['Secret', source.secretRef?.name],
      ]),
      ...(container.env ?? []).flatMap(({ valueFrom }): Found[] => [
        ['ConfigMap', valueFrom?.configMapKeyRef?.name],
        ['Secret', valueFrom?.secretKeyRef?.name],
      ]),
    ]),
  ];
  const named = found.filter((one): one is [ResourceKind, string] => Boolean(one[1]));
  const keys = named.map(([kind, name]) => resourceKey(kind, metadata.namespace!, name));
  if (spec.runtimeClassName) keys.push(resourceKey('RuntimeClass', '', spec.runtimeClassName));
  return new Set(keys);
}
