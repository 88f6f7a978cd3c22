import type { ComputedResource } from './registry.js';

/**
 * The list of custom resource definitions, which is empty. kubectl reads it before it tells a user that
 * a kind is unknown; without it, the user is told of a missing list instead of the mistyped kind.
 */
export const customDefinitions: ComputedResource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  singular: 'customresourcedefinition',
  namespaced: false,
  verbs: ['list'],
  hidden: true,
  handle: async () => ({
    json: {
      kind: 'CustomResourceDefinitionList',
      apiVersion: 'apiextensions.k8s.io/v1',
      metadata: { resourceVersion: '1' },
      items: [],
    },
  }),
};
