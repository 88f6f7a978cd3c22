import { explainText, openApiV3 } from '@gantry/api-machinery';
import { describe, expect, it } from 'vitest';
import { kinds } from './kinds.js';
import { PodKind } from './core/pod.js';

interface Schema {
  description: string;
  required?: string[];
  properties: Record<string, Schema>;
}
interface Document {
  paths: Record<string, { patch: { parameters: { name: string }[] } & Record<string, unknown> }>;
  components: { schemas: Record<string, Schema & Record<string, unknown>> };
}
const documents = openApiV3(kinds, { title: 'Gantry', version: 'v0.1.0' }) as unknown as Map<
  string,
  Document
>;

function references(value: unknown, found = new Set<string>()): Set<string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const [key, item] of Object.entries(value)) {
    if (key === '$ref') found.add(String(item));
    else references(item, found);
  }
  return found;
}

describe('OpenAPI v3', () => {
  it('has one document per group and version', () => {
    expect([...documents.keys()].toSorted()).toEqual([
      'api/v1',
      'apis/apps/v1',
      'apis/gantry.dev/v1',
      'apis/policy/v1',
      'apis/scheduling.k8s.io/v1',
      'apis/scheduling.x-k8s.io/v1alpha1',
    ]);
  });

  it('resolves all its references', () => {
    for (const document of documents.values()) {
      const { schemas } = document.components;
      for (const reference of references(document)) {
        expect(schemas).toHaveProperty([reference.replace('#/components/schemas/', '')]);
      }
    }
  });

  it('tells kubectl what the server can do', () => {
    const { paths, components } = documents.get('apis/apps/v1')!;
    const { patch } = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']!;
    expect(patch.parameters.map(({ name }) => name)).toEqual([
      'dryRun',
      'fieldManager',
      'fieldValidation',
      'force',
    ]);
    expect(patch['x-kubernetes-group-version-kind']).toEqual({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
    });
    expect(paths).toHaveProperty([
      '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status',
    ]);
    const deployment = components.schemas['io.k8s.api.apps.v1.Deployment']!;
    expect(deployment['x-kubernetes-group-version-kind']).toHaveLength(1);
    const podSpec = components.schemas['io.k8s.api.core.v1.PodSpec']!;
    expect(podSpec.required).toEqual(['containers']);
    expect(podSpec.properties.containers).toMatchObject({
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Container' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
    });
    expect(components.schemas).toHaveProperty(['io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta']);
  });

  it('describes every field of every kind', () => {
    for (const document of documents.values()) {
      const { schemas } = document.components;
      for (const [name, schema] of Object.entries(schemas)) {
        if (name.endsWith('List')) continue;
        expect(schema.description, name).not.toBe('');
        for (const [field, property] of Object.entries(schema.properties)) {
          expect(property.description, `${name}.${field}`).toMatch(/\S/);
        }
      }
    }
  });
});

describe('explain', () => {
  it('tells a kind, a field and its fields', () => {
    expect(explainText(PodKind)).toContain('spec\t<PodSpec>');
    expect(explainText(PodKind, ['spec', 'containers'])).toContain(
      'FIELD: containers <[]Container>',
    );
    expect(explainText(PodKind, ['spec', 'containers', 'image'])).not.toContain('FIELDS:');
  });
  it('says which field it does not know', () => {
    expect(() => explainText(PodKind, ['spec', 'bogus'])).toThrow('spec.bogus');
    expect(() => explainText(PodKind, ['spec', 'hostname', 'x'])).toThrow('spec.hostname.x');
  });
});
