import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubectlCluster, startCluster } from './cluster.ts';
import { configMap, deployment } from './manifests.ts';

let cluster: KubectlCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

const field = (what: string, path: string) => cluster.ok(`get ${what} -o jsonpath={${path}}`);

test('apply creates, changes, keeps and prunes fields', async () => {
  expect(await cluster.ok('apply -f -', deployment('web'))).toBe('deployment.apps/web created\n');
  expect(await cluster.ok('apply -f -', deployment('web'))).toBe('deployment.apps/web unchanged\n');
  await cluster.ok('label deployment web kept=yes');
  const changed = deployment('web', { image: 'web:2' }).replace(/ +ports: .*\n/, '');
  expect(await cluster.ok('apply -f -', changed)).toBe('deployment.apps/web configured\n');
  expect(await field('deploy web', '.spec.template.spec.containers[0].image')).toBe('web:2');
  expect(await field('deploy web', '.spec.template.spec.containers[0].ports')).toBe('');
  expect(await field('deploy web', '.metadata.labels.kept')).toBe('yes');
});

test('apply --server-side merges by field ownership', async () => {
  const apply = 'apply --server-side -f -';
  const done = (code: string) => `deployment.apps/${code} serverside-applied\n`;
  expect(await cluster.ok(apply, deployment('sided'))).toBe(done('sided'));
  const version = await field('deploy sided', '.metadata.resourceVersion');
  expect(await cluster.ok(apply, deployment('sided'))).toBe(done('sided'));
  expect(await field('deploy sided', '.metadata.resourceVersion')).toBe(version);
  expect(await cluster.ok('get deploy sided -o yaml --show-managed-fields')).toMatch(
    /manager: kubectl\n +operation: Apply/,
  );
  await cluster.ok('scale deploy sided --replicas=7');
  const { code, stderr } = await cluster.kubectl(apply, deployment('sided'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/conflict with "kubectl" .*using apps\/v1.*: \.spec\.replicas/s);
  expect(await field('deploy sided', '.spec.replicas')).toBe('7');
  await cluster.ok(`${apply} --dry-run=server --force-conflicts`, deployment('sided'));
  expect(await field('deploy sided', '.spec.replicas')).toBe('7');
  await cluster.ok(`${apply} --force-conflicts`, deployment('sided'));
  expect(await field('deploy sided', '.spec.replicas')).toBe('2');
});

test('apply --server-side takes over what was applied from the client', async () => {
  await cluster.ok('apply -f -', deployment('moved'));
  const changed = deployment('moved', { image: 'web:3' });
  await cluster.ok('apply --server-side -f -', changed);
  expect(await field('deploy moved', '.spec.template.spec.containers[0].image')).toBe('web:3');
  const diff = await cluster.kubectl('diff --server-side -f -', changed);
  expect([diff.code, diff.stdout]).toEqual([0, '']);
});

test('apply --server-side inherits the fields of client-side apply, and so can take them away', async () => {
  await cluster.ok('apply -f -', configMap('heirloom', { kept: 'a', gone: 'b' }));
  await cluster.ok('apply --server-side -f -', configMap('heirloom', { kept: 'c' }));
  expect(await field('cm heirloom', '.data')).toBe('{"kept":"c"}');
  const owned = await cluster.ok('get cm heirloom -o yaml --show-managed-fields');
  expect(owned).not.toContain('manager: kubectl-client-side-apply');
});

test('diff and dry runs change nothing', async () => {
  await cluster.ok('apply -f -', deployment('diffed'));
  const next = deployment('diffed', { replicas: 5, image: 'web:9' });
  const { code, stdout } = await cluster.kubectl('diff -f -', next);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^-  replicas: 2\n\+  replicas: 5$/m);
  expect((await cluster.kubectl('diff -f -', deployment('diffed'))).code).toBe(0);
  expect(await cluster.ok('apply --dry-run=server -f -', next)).toContain('(server dry run)');
  expect(await field('deploy diffed', '.spec.replicas')).toBe('2');
  await cluster.ok('create --dry-run=server -f -', configMap('dry', {}));
  expect((await cluster.kubectl('get configmap dry')).code).toBe(1);
});

test('create makes typed objects, which kubectl sends as protobuf', async () => {
  await cluster.ok('create namespace typed');
  await cluster.ok('create configmap cm --from-literal=a=b -n typed');
  await cluster.ok('create secret generic s --from-literal=password=hidden -n typed');
  await cluster.ok('create deployment d --image=web:1 --replicas=0 --port=80 -n typed');
  expect(await field('cm cm -n typed', '.data.a')).toBe('b');
  expect(await field('secret s -n typed', '.data.password')).toBe(
    Buffer.from('hidden').toString('base64'),
  );
  expect(await field('deploy d -n typed', '.spec.replicas')).toBe('0');
  const { code, stderr } = await cluster.kubectl('create configmap cm -n typed');
  expect([code, stderr]).toEqual([
    1,
    'error: failed to create configmap: configmaps "cm" already exists\n',
  ]);
});

test('replace holds to the version it was given', async () => {
  await cluster.ok('create -f -', configMap('replaced', { a: '1' }));
  const old = await cluster.ok('get configmap replaced -o json');
  await cluster.ok('replace -f -', old.replace('"a": "1"', '"a": "2"'));
  const { code, stderr } = await cluster.kubectl('replace -f -', old);
  expect(code).toBe(1);
  expect(stderr).toContain('the object has been modified');
  await cluster.ok('replace --force -f -', configMap('replaced', { a: '9' }));
  expect(await field('configmap replaced', '.data.a')).toBe('9');
});

test('patch, label, annotate and edit', async () => {
  await cluster.ok('create -f -', configMap('patched', { a: '1' }));
  await cluster.ok(
    `patch configmap patched --type=json -p '[{"op":"add","path":"/data/b","value":"2"}]'`,
  );
  await cluster.ok(`patch configmap patched --type=merge -p '{"data":{"a":null}}'`);
  expect(JSON.parse(await field('configmap patched', '.data'))).toEqual({ b: '2' });
  await cluster.ok('label configmap patched tier=front');
  expect((await cluster.kubectl('label configmap patched tier=back')).stderr).toContain(
    '--overwrite',
  );
  await cluster.ok('label configmap patched tier-');
  await cluster.ok(`annotate configmap patched note='two words'`);
  expect(await field('configmap patched', '.metadata.annotations.note')).toBe('two words');
  await cluster.ok(`set image deployment/web web=web:3`);
  expect(await field('deploy web', '.spec.template.spec.containers[0].image')).toBe('web:3');
});

test('scale, with and without a condition', async () => {
  await cluster.ok('scale deployment web --replicas=4');
  expect(await field('deploy web', '.spec.replicas')).toBe('4');
  expect(
    (await cluster.kubectl('scale deployment web --current-replicas=9 --replicas=1')).code,
  ).toBe(1);
  await cluster.ok('scale deployment web --current-replicas=4 --replicas=1');
  await cluster.until('get pods -l app=web', /^NAME.*\n[^\n]*Running[^\n]*\n$/);
});

test('delete waits until the object is gone, with what belongs to it', async () => {
  await cluster.ok('apply -f -', deployment('leaving'));
  await cluster.ok('rollout status deployment/leaving --timeout=30s');
  expect(await cluster.ok('delete deployment leaving --timeout=30s')).toBe(
    'deployment.apps "leaving" deleted\n',
  );
  await cluster.until('get pods,rs -l app=leaving', /No resources found/);
  await cluster.ok('apply -f -', deployment('foreground'));
  await cluster.ok('rollout status deployment/foreground --timeout=30s');
  await cluster.ok('delete deployment foreground --cascade=foreground --timeout=30s');
  expect((await cluster.kubectl('get rs -l app=foreground')).stderr).toContain(
    'No resources found',
  );
  const { code, stderr } = await cluster.kubectl('delete deployment foreground');
  expect([code, stderr]).toEqual([
    1,
    'Error from server (NotFound): deployments.apps "foreground" not found\n',
  ]);
});

test('an orphaned replica set lives on', async () => {
  await cluster.ok('apply -f -', deployment('parent', { replicas: 1 }));
  await cluster.ok('rollout status deployment/parent --timeout=30s');
  await cluster.ok('delete deployment parent --cascade=orphan --timeout=30s');
  const owners = await field('rs -l app=parent', '.items[0].metadata.ownerReferences');
  expect([owners, await field('rs -l app=parent', '.items[0].spec.replicas')]).toEqual(['', '1']);
  await cluster.ok('delete rs -l app=parent --timeout=30s');
});

test('a namespace goes with all that is in it', async () => {
  await cluster.ok('create namespace doomed');
  await cluster.ok('apply -n doomed -f -', deployment('inside'));
  await cluster.ok('rollout status -n doomed deployment/inside --timeout=30s');
  await cluster.ok('delete namespace doomed --timeout=60s');
  expect((await cluster.kubectl('get namespace doomed')).code).toBe(1);
  expect((await cluster.kubectl('get pods -n doomed')).stderr).toContain('No resources found');
});

test('run, wait, cordon and drain', async () => {
  await cluster.ok('run single --image=web:1');
  await cluster.ok('wait --for=condition=Ready pod/single --timeout=30s');
  const node = await field('pod single', '.spec.nodeName');
  await cluster.ok(`cordon ${node}`);
  expect(await cluster.ok(`get node ${node}`)).toContain('SchedulingDisabled');
  expect(await cluster.ok(`drain ${node} --force --timeout=30s`)).toContain('pod/single evicted');
  await cluster.ok(`uncordon ${node}`);
  await cluster.ok(`taint node ${node} maintenance=yes:NoSchedule`);
  expect(await field(`node ${node}`, '.spec.taints[0].key')).toBe('maintenance');
  await cluster.ok(`taint node ${node} maintenance-`);
});
