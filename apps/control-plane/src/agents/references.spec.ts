import { expect, test } from 'vitest';
import type { Pod } from '@gantry/api';
import { referencesOf, splitResourceKey } from './references.js';

test('finds every ConfigMap and Secret of the own namespace and the class, each once', () => {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'shop' },
    spec: {
      runtimeClassName: 'kata',
      imagePullSecrets: [{ name: 'pull' }],
      volumes: [
        { name: 'a', configMap: { name: 'files' } },
        { name: 'b', secret: { secretName: 'keys' } },
        {
          name: 'c',
          projected: { sources: [{ configMap: { name: 'p1' } }, { secret: { name: 'p2' } }] },
        },
        { name: 'd', emptyDir: {} },
      ],
      initContainers: [{ name: 'i', envFrom: [{ secretRef: { name: 'init' } }] }],
      containers: [
        {
          name: 'm',
          envFrom: [{ configMapRef: { name: 'files' } }],
          env: [
            { name: 'A', value: '1' },
            { name: 'B', valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } } },
            { name: 'C', valueFrom: { secretKeyRef: { name: 'keys', key: 'k' } } },
            { name: 'D', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          ],
        },
      ],
    },
  };
  const names = ['ConfigMap/shop/files', 'Secret/shop/keys', 'ConfigMap/shop/p1', 'Secret/shop/p2'];
  const expected = [...names, 'Secret/shop/pull', 'Secret/shop/init', 'ConfigMap/shop/cm'];
  expected.push('RuntimeClass//kata');
  expect([...referencesOf(pod)].toSorted()).toEqual(expected.toSorted());
  expect(splitResourceKey('Secret/shop/keys')).toEqual(['Secret', 'shop', 'keys']);
  expect(splitResourceKey('RuntimeClass//kata')).toEqual(['RuntimeClass', '', 'kata']);
});
