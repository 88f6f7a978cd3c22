import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type KubectlCluster, startCluster } from './cluster.ts';
import { configMap, deployment } from './manifests.ts';

let cluster: KubectlCluster;
beforeAll(async () => {
  cluster = await startCluster();
  await cluster.ok('apply -f -', deployment('web', { replicas: 3 }));
  await cluster.ok('rollout status deployment/web --timeout=30s');
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

test('get prints the tables that the server made', async () => {
  const pods = await cluster.ok('get pods -l app=web');
  expect(pods).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\n/);
  expect(pods.match(/web-[a-z0-9]+-[a-z0-9]+ +\d\/1 +Running +0/g)).toHaveLength(3);
  expect(await cluster.ok('get deployments')).toMatch(/web +3\/3 +3 +3/);
  expect(await cluster.ok('get pods -o wide')).toMatch(/IP +NODE +NOMINATED NODE/);
  expect(await cluster.ok('get all')).toMatch(
    /pod\/web[^]*deployment.apps\/web[^]*replicaset.apps\/web/,
  );
  expect(await cluster.ok('get nodes')).toMatch(/node-a +Ready/);
  expect(await cluster.ok('get pods -A --sort-by=.metadata.name')).toContain('web-');
});

test('get prints objects in every form', async () => {
  expect(await cluster.ok('get deploy web -o yaml')).toContain('kind: Deployment\n');
  expect(JSON.parse(await cluster.ok('get pods -o json')).items).toHaveLength(3);
  expect(await cluster.ok('get deploy web -o jsonpath={.spec.replicas}')).toBe('3');
  expect(await cluster.ok('get deploy -o name')).toBe('deployment.apps/web\n');
  const columns = '-o custom-columns=N:.metadata.name,R:.spec.replicas';
  expect(await cluster.ok(`get deploy ${columns}`)).toMatch(/N +R\nweb +3/);
});

test('pages, selects, and finds nothing without an error', async () => {
  for (const name of ['p1', 'p2', 'p3']) await cluster.ok('create -f -', configMap(name, {}));
  const paged = await cluster.ok('get configmaps --chunk-size=1 -o name');
  expect(paged.trim().split('\n')).toHaveLength(3);
  expect(await cluster.ok('get configmaps --field-selector=metadata.name=p2 -o name')).toBe(
    'configmap/p2\n',
  );
  const { code, stderr } = await cluster.kubectl('get pods -l app=none');
  expect([code, stderr]).toEqual([0, 'No resources found in default namespace.\n']);
});

test('describe shows the object with what belongs to it', async () => {
  const described = await cluster.ok('describe deployment web');
  expect(described).toMatch(/Replicas: +3 desired \| 3 updated \| 3 total \| 3 available/);
  expect(described).toMatch(/NewReplicaSet: +web-\w+ \(3\/3 replicas created\)/);
  expect(described).toMatch(/Normal +ScalingReplicaSet/);
  expect(await cluster.ok('describe node node-a')).toMatch(/Allocatable:[^]*pods: +110/);
  expect(await cluster.ok('describe pod -l app=web')).toMatch(/Status: +Running/);
  expect(await cluster.ok('describe namespace default')).toMatch(/Status: +Active/);
});

test('get -w follows changes until it is ended', async () => {
  await using watch = cluster.start('get configmaps -w -o name');
  await watch.saying(/configmap\/p3/);
  await cluster.ok('create configmap watched --from-literal=a=b');
  await watch.saying(/configmap\/watched/);
  await using table = cluster.start('get configmap watched -w');
  await table.saying(/NAME +DATA +AGE\nwatched +1/);
  await cluster.ok(`patch configmap watched -p '{"data":{"c":"d"}}'`);
  expect(await table.saying(/watched +2/)).toMatch(/^NAME[^]*watched +1[^]*watched +2/);
});

test('explain, api-resources, api-versions, version', async () => {
  expect(await cluster.ok('explain deployment.spec.replicas')).toMatch(/FIELD: replicas <integer>/);
  expect(await cluster.ok('explain pod.spec.containers')).toMatch(/image\s+<string>/);
  expect(await cluster.ok('explain pod --recursive')).toContain('terminationGracePeriodSeconds');
  expect(await cluster.ok('api-resources')).toMatch(
    /deployments +deploy +apps\/v1 +true +Deployment/,
  );
  expect(await cluster.ok('api-versions')).toMatch(/^apps\/v1$/m);
  expect(await cluster.ok('version')).toMatch(/Server Version: v1\.32/);
});

test('events by both of their names', async () => {
  const event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'said', namespace: 'default' },
    eventTime: '2026-01-02T03:04:05.678901Z',
    reportingController: 'tester',
    reportingInstance: 'tester-1',
    action: 'Testing',
    reason: 'Said',
    regarding: { apiVersion: 'v1', kind: 'Node', namespace: 'default', name: 'somewhere' },
    note: 'what there is to say',
    type: 'Normal',
  };
  await cluster.ok('create -f -', JSON.stringify(event));
  const line = /Normal +Said +node\/somewhere +what there is to say/i;
  expect(await cluster.ok('get events.events.k8s.io')).toMatch(line);
  expect(await cluster.ok('get events')).toMatch(line);
  expect(await cluster.ok('events --for node/somewhere')).toMatch(line);
  const note = await cluster.ok('get events.v1.events.k8s.io said -o jsonpath={.note}');
  expect(note).toBe(event.note);
});

test('why a pod fits nowhere and what would help, by get --raw', async () => {
  const resources = { requests: { cpu: '64' } };
  const container = { name: 'c', image: 'registry.local/app:1', resources };
  const pod = { metadata: { name: 'big' }, spec: { containers: [container] } };
  await cluster.ok('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...pod }));
  const path = '/api/v1/namespaces/default/pods/big/why';
  const explanation = JSON.parse(await cluster.ok(`get --raw ${path}`));
  expect(explanation).toMatchObject({
    kind: 'PlacementExplanation',
    refusals: [{ filter: 'resources', reason: 'too little cpu', count: 2 }],
    changes: [{ type: 'lower-requests' }, { type: 'add-node', allocatable: { cpu: '64' } }],
  });
  const { cpu } = explanation.changes[0].requests;
  await cluster.ok('delete pod big --wait=false');
  const lowered = { ...container, name: 'd', resources: { requests: { cpu } } };
  const smaller = { metadata: { name: 'smaller' }, spec: { containers: [lowered] } };
  await cluster.ok('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'Pod', ...smaller }));
  await cluster.until('get pod smaller', /smaller .*Running/);
  await cluster.ok('delete pod smaller --wait=false');
});

test('a simulation is answered to create --raw and stored nowhere', async () => {
  const objects = [parse(deployment('huge', { replicas: 300 }))];
  const shape = { allocatable: { cpu: '8', memory: '32Gi' } };
  const simulation = { kind: 'Simulation', spec: { objects, nodes: [shape] } };
  const path = '/apis/gantry.dev/v1/simulations';
  const { status } = JSON.parse(
    await cluster.ok(`create --raw ${path} -f -`, JSON.stringify(simulation)),
  );
  expect(status).toMatchObject({ fits: true, pods: 300, placements: { length: 300 } });
  expect(await cluster.ok('get deployments -o name')).not.toContain('huge');
});

test('auth whoami and can-i', async () => {
  expect(await cluster.ok('auth whoami')).toMatch(/Username +kubernetes-admin/);
  expect(await cluster.ok('auth can-i delete pods')).toBe('yes\n');
});

test.each([
  ['get pod nothing', 'Error from server (NotFound): pods "nothing" not found'],
  ['get deploy nothing', 'Error from server (NotFound): deployments.apps "nothing" not found'],
  ['get gadgets', `error: the server doesn't have a resource type "gadgets"`],
  ['get pods --field-selector=spec.foo=x', 'field label not supported: spec.foo'],
  ['get pods -l a==b==c', 'unable to parse requirement'],
])('%s says what is wrong', async (args, message) => {
  const { code, stderr } = await cluster.kubectl(args);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});
