import { expect, test } from 'vitest';
import { decodeProtobuf } from './decode.js';

// What kubectl 1.32.3 sent for `create namespace n1`, `create configmap` with a binary file, `create
// secret generic`, `create deployment web --replicas=0 --port=80 -- sleep 5` and `auth can-i`.
const sent = {
  namespace: 'azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhoKEgoCbjESABoAIgAqADIAOABCABIAGgIKABoAIgA=',
  configMap:
    'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEioKEwoDY20xEgAaACIAKgAyADgAQgASBgoBYRIBYhoLCgNiaW4SBGJpbv8aACIA',
  secret: 'azhzAAoMCgJ2MRIGU2VjcmV0Eh4KEgoCczESABoAIgAqADIAOABCABIGCgFwEgFxGgAaACIA',
  deployment:
    'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50EsQBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEpIBCAAS' +
    'DAoKCgNhcHASA3dlYhp4ChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViElgSOgoFbmdpbngSB25naW54OjEaBXNs' +
    'ZWVwGgE1KgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIK' +
    'ACgAOAAaDAgAEAAYACAAKAA4ABoAIgA=',
  review:
    'azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSOQoQCgASABoAIgAq' +
    'ADIAOABCABIbChkKAXgSA2dldBoAIgAqBHBvZHMyADoDbG9nGggIABIAGgAgABoAIgA=',
};

const decoded = (text: string) => decodeProtobuf(Buffer.from(text, 'base64'));

test('reads what kubectl sends, without the zeros that Go writes', () => {
  expect(decoded(sent.namespace)).toEqual({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'n1' },
    spec: {},
    status: {},
  });
  expect(decoded(sent.configMap)).toMatchObject({
    kind: 'ConfigMap',
    data: { a: 'b' },
    binaryData: { bin: Buffer.from('bin\xff', 'latin1').toString('base64') },
  });
  expect(decoded(sent.secret)).toMatchObject({ kind: 'Secret', data: { p: 'cQ==' } });
});

test('keeps a zero where it is one, as in replicas', () => {
  expect(decoded(sent.deployment)).toMatchObject({
    apiVersion: 'apps/v1',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'nginx',
              image: 'nginx:1',
              command: ['sleep', '5'],
              ports: [{ containerPort: 80 }],
            },
          ],
        },
      },
    },
  });
});

test('finds messages of groups with long names', () => {
  expect(decoded(sent.review)).toMatchObject({
    kind: 'SelfSubjectAccessReview',
    spec: {
      resourceAttributes: { namespace: 'x', verb: 'get', resource: 'pods', name: 'log' },
    },
  });
});

const field = (number: number, bytes: Buffer) =>
  Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
const wrapped = (kind: string, raw: Buffer) => {
  const type = Buffer.concat([field(1, Buffer.from('v1')), field(2, Buffer.from(kind))]);
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, raw)]);
};

test.each([
  ['plain JSON', Buffer.from('{"kind":"Pod"}'), 'does not start with'],
  ['nothing but the magic', Buffer.from('k8s\0'), 'is not known'],
  ['a kind without a table', wrapped('Gadget', Buffer.alloc(0)), 'Gadget in v1 is not known'],
  [
    'a length beyond the end',
    wrapped('Pod', Buffer.from([0x0a, 0x7f])),
    'a field is longer than its message',
  ],
  ['an endless varint', wrapped('Pod', Buffer.alloc(12, 0xff)), 'a number has no end'],
  ['a number for a message', wrapped('Pod', Buffer.from([0x08, 0x01])), 'a number stands where'],
  ['text that is not UTF-8', wrapped('Pod', field(1, field(1, Buffer.from([0xff])))), 'not valid'],
])('refuses %s', (_what, bytes, why) => {
  expect(() => decodeProtobuf(bytes)).toThrow(why);
});

test('every truncation of a real message is refused or read, never a crash', () => {
  const whole = Buffer.from(sent.deployment, 'base64');
  for (let length = 0; length < whole.length; length++) {
    try {
      decodeProtobuf(whole.subarray(0, length));
    } catch (error) {
      expect(error).toHaveProperty('reason', 'BadRequest');
    }
  }
});
