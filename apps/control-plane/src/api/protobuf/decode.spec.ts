import { kinds } from '@gantry/api';
import { ProtobufWriter } from '@gantry/base';
import { expect, test } from 'vitest';
import { decodeProtobuf } from './decode.js';
import { messageFields } from './messages.js';

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

const message = () => new ProtobufWriter();
const named = (name: string) => message().message(1, message().text(1, name).text(2, ''));

/** A body as client-go makes it. */
const body = (apiVersion: string, kind: string, object: ProtobufWriter) => {
  const type = message().text(1, apiVersion).text(2, kind);
  const unknown = message().message(1, type).message(2, object);
  return Buffer.concat([Buffer.from('k8s\0'), unknown.toBuffer()]);
};

test('reads an event as the recorder of client-go sends it', () => {
  const moment = message().number(1, 1_767_323_045n).number(2, 678_901_000n);
  const event = message().message(1, message().text(1, 'e').text(3, 'default'));
  event.message(2, moment).message(3, message().number(1, 2n).message(2, moment));
  event.text(4, 'default-scheduler').text(5, 'host').text(6, 'Binding').text(7, 'Scheduled');
  event.message(8, message().text(1, 'Pod').text(2, 'default').text(3, 'web'));
  event.text(10, 'assigned').text(11, 'Normal').message(12, message()).message(13, message());
  expect(decodeProtobuf(body('events.k8s.io/v1', 'Event', event))).toEqual({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'e', namespace: 'default' },
    eventTime: '2026-01-02T03:04:05.678901Z',
    series: { count: 2, lastObservedTime: '2026-01-02T03:04:05.678901Z' },
    reportingController: 'default-scheduler',
    reportingInstance: 'host',
    action: 'Binding',
    reason: 'Scheduled',
    regarding: { kind: 'Pod', namespace: 'default', name: 'web' },
    note: 'assigned',
    type: 'Normal',
    deprecatedSource: {},
  });
});

test('reads volumes and the classes of volumes and of runtimes', () => {
  const source = message().message(20, message().text(1, '/srv/a'));
  const quantity = message().text(1, '5Gi');
  const capacity = message().text(1, 'storage').message(2, quantity);
  const spec = message().message(1, capacity).message(2, source).text(3, 'ReadWriteOnce');
  const volume = named('v').message(2, spec.text(6, 'disks'));
  expect(decodeProtobuf(body('v1', 'PersistentVolume', volume))).toMatchObject({
    spec: {
      capacity: { storage: '5Gi' },
      local: { path: '/srv/a' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'disks',
    },
  });
  const parameter = message().text(1, 'a').text(2, 'b');
  const storage = named('s').text(2, 'none').message(3, parameter).number(6, 0n);
  expect(decodeProtobuf(body('storage.k8s.io/v1', 'StorageClass', storage))).toMatchObject({
    provisioner: 'none',
    parameters: { a: 'b' },
    allowVolumeExpansion: false,
  });
  const zone = message().text(1, 'zone').text(2, 'a');
  const runtime = named('r').text(2, 'runc').message(4, message().message(1, zone));
  expect(decodeProtobuf(body('node.k8s.io/v1', 'RuntimeClass', runtime))).toMatchObject({
    handler: 'runc',
    scheduling: { nodeSelector: { zone: 'a' } },
  });
});

test('every kind of Kubernetes that is served can be sent, with all that it is made of', () => {
  const scalars = 'string bool int double bytes time microTime quantity intOrString json'.split(
    ' ',
  );
  const seen = new Set(scalars);
  const missing: string[] = [];
  const visit = (type: string) => {
    if (seen.has(type)) return;
    seen.add(type);
    const fields = messageFields(type);
    if (!fields) missing.push(type);
    for (const field of fields?.values() ?? []) visit(field.type);
  };
  // Custom resources, of Kubernetes' own projects too, travel as JSON only.
  const foreign = kinds.filter(({ group }) => !/(^|\.)(gantry\.dev|x-k8s\.io)$/.test(group));
  for (const { group, version, kind } of foreign) {
    visit(`${group === '' ? 'core' : group.split('.')[0]}.${version}.${kind}`);
  }
  expect(foreign.length).toBeGreaterThan(10);
  expect(missing).toEqual([]);
});
