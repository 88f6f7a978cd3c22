import type { ApiObject, OwnerReference, Pod, PodTemplateSpec } from '@gantry/api';

/** Names that the server completes must leave it room: longer prefixes are cut there. */
export function podFromTemplate(
  template: PodTemplateSpec,
  owner: ApiObject,
  reference: OwnerReference,
): Pod {
  const { metadata, spec } = structuredClone(template);
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      namespace: owner.metadata.namespace,
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ...(metadata?.finalizers ? { finalizers: metadata.finalizers } : {}),
      ownerReferences: [reference],
    },
    spec,
  };
}
