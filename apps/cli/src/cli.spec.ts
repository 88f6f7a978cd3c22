import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './program.js';
import { ControlPlaneProcess } from './testing/control-plane-process.js';
import { RecordedTerminal } from './testing/recorded-terminal.js';

let plane: ControlPlaneProcess;

beforeAll(async () => {
  plane = await ControlPlaneProcess.start();
}, 60_000);

afterAll(() => plane?.stop());

interface Result {
  code: number;
  out: string;
  err: string;
}

async function gantry(
  line: string | readonly string[],
  input = '',
  signal = new AbortController().signal,
): Promise<Result> {
  const argv = typeof line === 'string' ? line.split(' ') : line;
  const terminal = new RecordedTerminal(input);
  const code = await run(argv, { terminal, env: { KUBECONFIG: plane.kubeconfig }, signal });
  return { code, out: terminal.stdout, err: terminal.stderr };
}

const deployment = (replicas: number, image = 'web:1') => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "${image}", resources: {requests: {cpu: 0.1}}}]}
`;
const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n';

describe('apply', () => {
  it('creates, leaves and changes', async () => {
    const first = await gantry('apply -f -', `${namespace}---${deployment(2)}`);
    expect(first).toEqual({
      code: 0,
      out: 'namespace/shop created\ndeployment.apps/web created\n',
      err: '',
    });
    const second = await gantry('apply -f -', `${namespace}---${deployment(2)}`);
    expect(second.out).toBe('namespace/shop unchanged\ndeployment.apps/web unchanged\n');
    const third = await gantry('apply -f -', deployment(3));
    expect(third.out).toBe('deployment.apps/web configured\n');
    expect((await gantry('get deployment web -n shop')).out).toMatch(/web +0\/3/);
  });

  it('keeps what others set and removes what is no longer wanted', async () => {
    const config = (data: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata: ${data}\n`;
    await gantry('apply -f -', config('{a: "1", b: "2"}'));
    await gantry('apply -f - --field-manager other', config('{a: "1", b: "2"}'));
    const changed = await gantry('apply -f -', config('{b: "3"}'));
    expect(changed.out).toBe('configmap/c configured\n');
    const shown = JSON.parse((await gantry('get cm c -n shop -o json')).out) as { data: object };
    expect(shown.data).toEqual({ b: '3' });
  });

  it('reads folders, and says what is wrong with each file', async () => {
    const folder = join(plane.directory, 'manifests');
    mkdirSync(join(folder, 'below'), { recursive: true });
    writeFileSync(
      join(folder, 'a.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\nbogus: 1\n',
    );
    writeFileSync(
      join(folder, 'b.yml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n',
    );
    writeFileSync(
      join(folder, 'c.json'),
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"fine"}}',
    );
    writeFileSync(join(folder, 'notes.txt'), 'not a manifest');
    writeFileSync(
      join(folder, 'below', 'd.yaml'),
      'apiVersion: v1\nkind: Confgmap\nmetadata: {name: x}\n',
    );
    const result = await gantry(['apply', '-R', '-f', folder]);
    expect(result.code).toBe(1);
    expect(result.out).toBe('configmap/fine created\n');
    expect(result.err).toContain('strict decoding error: unknown field "bogus"');
    expect(result.err).toContain(
      'The ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name"',
    );
    expect(result.err).toContain(
      'no matches for kind "Confgmap" in version "v1"; did you mean ConfigMap?',
    );
    expect((await gantry('get cm good')).code).toBe(1);
  });

  it('stores nothing in a dry run', async () => {
    const made = await gantry('apply -f - --dry-run=server', namespace.replace('shop', 'dry'));
    expect(made.out).toBe('namespace/dry created (server dry run)\n');
    expect((await gantry('get ns dry')).err).toBe(
      'Error from server (NotFound): namespaces "dry" not found\n',
    );
  });

  it.each([
    ['apply', 'must specify -f FILE, a folder, or - for stdin', 2],
    ['apply -f /no/such/file', 'the path "/no/such/file" does not exist', 1],
    ['apply -f - --validate=maybe', 'choose strict, warn or ignore', 2],
    ['apply -f -', 'no objects passed', 1],
  ])('refuses `%s`', async (line, message, code) => {
    const result = await gantry(line);
    expect(result.err).toContain(message);
    expect(result.code).toBe(code);
  });
});

describe('get', () => {
  it.each([
    ['get podz', 'the server does not have a resource type "podz"; did you mean "pods"?', 2],
    ['get pods web -A', 'give --namespace', 2],
    ['get pods -o xml', 'choose json, yaml, name, wide', 2],
    ['get', 'say which resource', 2],
    ['get pods nope -n shop', 'Error from server (NotFound): pods "nope" not found', 1],
    ['gte pods', 'Did you mean get?', 2],
    ['get pods --bogus', "unknown option '--bogus'", 2],
    ['get pods --context nowhere', 'no context named "nowhere"', 1],
    ['get pods --kubeconfig /nope', 'set KUBECONFIG or give --kubeconfig FILE', 1],
  ])('refuses `%s`', async (line, message, code) => {
    const result = await gantry(line);
    expect(result.err).toContain(message);
    expect(result.code).toBe(code);
  });

  it('shows names, several types and nothing', async () => {
    expect((await gantry('get deployments.apps,cm -n shop -o name')).out).toBe(
      'deployment.apps/web\nconfigmap/c\n',
    );
    expect((await gantry('get all -n shop')).out).toMatch(
      /pod\/web-\S+ .*\n\nNAME +READY.*\ndeployment\.apps\/web/s,
    );
    expect(await gantry('get pods')).toEqual({
      code: 0,
      out: '',
      err: 'No resources found in default namespace.\n',
    });
  });

  it('selects by labels and fields', async () => {
    expect(
      (await gantry('get pods -A -l app=web,app!=db --no-headers')).out.trim().split('\n'),
    ).toHaveLength(3);
    expect((await gantry('get pods -A --field-selector status.phase=Running')).out).toBe('');
    expect((await gantry('get pods -A --field-selector spec.bogus=1')).err).toContain(
      'field label not supported: spec.bogus',
    );
  });

  it('follows changes until it is interrupted', async () => {
    const abort = new AbortController();
    const terminal = new RecordedTerminal();
    const env = { KUBECONFIG: plane.kubeconfig };
    const watching = run(['get', 'cm', '-w', '-n', 'shop'], {
      terminal,
      env,
      signal: abort.signal,
    });
    await expect.poll(() => terminal.stdout).toContain('c ');
    await gantry(
      'apply -f -',
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: later, namespace: shop}\n',
    );
    await expect.poll(() => terminal.stdout).toMatch(/^later +0/m);
    abort.abort();
    expect(await watching).toBe(0);
    expect(terminal.stdout.match(/NAME/g)).toHaveLength(1);
  });
});

describe('workloads', () => {
  it('scale, with a guard', async () => {
    expect((await gantry('scale deployment/web -n shop --replicas=2')).out).toBe(
      'deployment.apps/web scaled\n',
    );
    const guarded = await gantry('scale deployment/web -n shop --replicas=5 --current-replicas=9');
    expect(guarded).toMatchObject({
      code: 1,
      err: 'error: expected replicas to be 9, was 2; nothing was changed\n',
    });
    expect((await gantry('scale deployment/web -n shop --replicas=-1')).code).toBe(2);
  });

  it('roll out, back, and tell their history', async () => {
    await gantry('apply -f -', deployment(2, 'web:2'));
    await expect
      .poll(async () => (await gantry('rollout history deployment/web -n shop')).out)
      .toMatch(/^2 /m);
    expect((await gantry('rollout history deployment/web -n shop --revision 1')).out).toContain(
      'web:1',
    );
    expect((await gantry('rollout undo deployment/web -n shop')).out).toBe(
      'deployment.apps/web rolled back\n',
    );
    expect((await gantry('get deployment web -n shop -o yaml')).out).toContain('image: web:1');
    expect((await gantry('rollout undo deployment/web -n shop --to-revision 77')).err).toContain(
      'unable to find specified revision 77',
    );
    const status = await gantry('rollout status deployment/web -n shop --timeout 300ms');
    expect(status.code).toBe(1);
    expect(status.err).toContain('timed out waiting for the rollout of deployment "web"');
    expect((await gantry('rollout restart pod/x')).code).not.toBe(0);
  });

  it('are described, and why explains a pod', async () => {
    const described = await gantry('describe deployment web -n shop');
    expect(described.out).toContain('Selector:         app=web');
    expect(described.out).toContain('ScalingReplicaSet');
    const [name = ''] = (await gantry('get pods -n shop -o name')).out.split('\n');
    const why = await gantry(`why ${name} -n shop`);
    expect(why).toMatchObject({ code: 0, err: '' });
    expect(why.out).toContain('node');
    expect((await gantry('why deployment/web -n shop')).code).toBe(2);
    const yaml = await gantry(`why ${name} -n shop -o yaml`);
    expect(yaml).toMatchObject({ code: 2, out: '' });
    expect(yaml.err).toContain('why prints text or json');
  });
});

describe('simulate', () => {
  it('says where manifests fit and how many nodes they need, and stores nothing', async () => {
    const before = (await gantry('get pods -n shop -o name')).out;
    const sized = await gantry('simulate -f - --nodes 1cpu,4Gi --nodes 4cpu,8Gi', deployment(20));
    expect(sized).toMatchObject({ code: 0, err: '' });
    expect(sized.out).toContain('All 20 pods would fit, on 2 of 2 nodes.');
    expect(sized.out).toMatch(/1cpu,4Gi +2 +2\n4cpu,8Gi +1 +1\n/);
    const tight = await gantry('simulate -f - --nodes 1x1cpu,4Gi', deployment(20));
    expect(tight).toMatchObject({ code: 1, err: '' });
    expect(tight.out).toContain('10 of 20 pods would fit, on 1 of 1 node; 10 would not.');
    expect((await gantry('get pods -n shop -o name')).out).toBe(before);
  });

  it('tells why nothing fits on any number of nodes, and counts more nodes than it names', async () => {
    const large = deployment(2).replace('cpu: 0.1', 'cpu: 3');
    const small = await gantry('simulate -f - --nodes 1cpu,4Gi', large);
    expect(small.code).toBe(1);
    expect(small.out).toMatch(/1cpu,4Gi +0 +- +2 pods fit on none of them/);
    expect(small.out).toContain('0 of 1 node fits: 1 has too little cpu');
    const many = await gantry('simulate -f - --nodes 250x1cpu,4Gi', deployment(2500));
    expect(many.out).toContain('All 2500 pods would fit, on 250 of 250 nodes.');
    expect(many.out).toContain('... and 230 more (-o json shows the first 200)');
  });

  it('refuses what makes no sense, with the next step', async () => {
    const noCluster = join(plane.directory, 'no-node.yaml');
    writeFileSync(noCluster, namespace);
    const cases: [line: string, input: string, code: number, says: string][] = [
      ['simulate', '', 2, 'must specify -f'],
      ['simulate -f - --nodes 8', deployment(1), 2, 'the cpu is missing'],
      ['simulate -f - --beside', deployment(1), 2, 'give --nodes too'],
      ['simulate -f - -o yaml', deployment(1), 2, 'prints text or json'],
      [`simulate -f - --cluster ${noCluster}`, deployment(1), 2, 'get nodes,pods -A -o json'],
      ['simulate -f -', namespace, 1, 'no manifest makes pods'],
      ['simulate -f -', deployment(1).replace('cpu: 0.1', 'cpu: lots'), 1, 'Deployment "web"'],
    ];
    for (const [line, input, code, says] of cases) {
      const result = await gantry(line, input);
      expect(result).toMatchObject({ code, out: '' });
      expect(result.err).toContain(says);
    }
  });
});

describe('tokens', () => {
  it('are made, listed without their secret, and taken back', async () => {
    const flags = (await gantry('token create --uses 2 --ttl 10m -o flags')).out;
    expect(flags).toMatch(/^--token \S+\.\S+ --ca-hash sha256:[0-9a-f]{64}\n$/);
    const [, token = ''] = /--token (\S+)/.exec(flags) ?? [];
    const [name = '', secret = ''] = token.split('.');
    const listed = (await gantry('token list')).out;
    expect(listed).toMatch(new RegExp(`^${name} +2 `, 'm'));
    expect(listed).not.toContain(secret);
    expect((await gantry(`token delete ${token}`)).out).toBe(
      `jointoken.gantry.dev/${name} deleted\n`,
    );
    expect((await gantry('token create --uses 0')).code).toBe(2);
    expect((await gantry('token create --ttl soon')).err).toContain('--ttl: "soon" is no duration');
  });
});

describe('delete', () => {
  it('waits until all is gone', async () => {
    expect((await gantry('delete pods -n shop')).err).toContain(
      'give a selector with -l, or say --all',
    );
    expect((await gantry('delete cm nope -n shop --ignore-not-found')).code).toBe(0);
    expect((await gantry('delete deployment web -n shop --grace-period=0')).err).toContain(
      'also needs --force',
    );
    const result = await gantry('delete -f - --timeout 30s', `${namespace}---${deployment(1)}`);
    expect(result).toEqual({
      code: 0,
      out: 'deployment.apps "web" deleted\nnamespace "shop" deleted\n',
      err: '',
    });
    expect((await gantry('get ns shop')).code).toBe(1);
  });
});

describe('without a cluster', () => {
  it.each([
    ['--version', /^\d+\.\d+\.\d+\n$/],
    ['version --client --kubeconfig /nope', /^Client Version: v/],
    ['explain pod.spec --kubeconfig /nope', /containers\t<\[\]Container>/],
    ['completion bash', /complete -F _gantry gantry/],
    ['apply --help', /--server-side/],
  ])('`%s` works', async (line, expected) => {
    const result = await gantry(line);
    expect(result.out).toMatch(expected);
    expect(result.code).toBe(0);
  });
});
