import { expect, onTestFailed, test } from 'vitest';
import { type Cluster, isReady } from '../cluster/cluster.ts';
import { pod, webImage } from '../cluster/manifests.ts';
import { eventually } from '../cluster/process.ts';

let cluster: Cluster;
const names = ['node-a', 'node-b', 'node-c'];

function reportJournals(name: string): void {
  onTestFailed(() => cluster.journals(`test-results/journal-images-${name}.log`));
}

interface NodeImages {
  readonly metadata: { readonly name: string };
  readonly images: readonly { readonly names: readonly string[]; readonly pinned: boolean }[];
}

/** The nodes that have the image, as the API tells it. */
async function nodesWith(image: string): Promise<string[]> {
  const { items } = await cluster.get<{ items: NodeImages[] }>(['nodeimages']);
  const having = items.filter(({ images }) => images.some((one) => one.names.includes(image)));
  return having.map(({ metadata }) => metadata.name);
}

const image = (args: readonly string[], input?: string) =>
  cluster.gantry(['image', ...args], input);
const shell = (script: string) => cluster.control.shell(script);

/** `gantry image` on three nodes; each scenario goes on where the one before ended. */
export function verbScenarios(clusterOf: () => Cluster): void {
  test('an archive reaches every node without a registry, and runs there', async () => {
    cluster = clusterOf();
    reportJournals('load');
    await image(['pull', webImage, '--node', 'node-a']);
    expect(await nodesWith(webImage)).toEqual(['node-a']);
    await image(['tag', webImage, 'shop.example/site:1']);
    await shell('rm -rf /root/images && mkdir /root/images');
    await image(['save', 'shop.example/site:1', '-f', '/root/images/site.tar']);
    expect(await image(['rm', 'shop.example/site:1'])).toContain('untagged shop.example/site:1');
    const loaded = await image(['load', '/root/images/site.tar', '--pin']);
    for (const node of names)
      expect(loaded).toContain(`${node}: loaded shop.example/site:1 sha256:`);
    expect(await nodesWith('shop.example/site:1')).toEqual(names);
    const listed = await image(['ls', 'shop', '-o', 'wide']);
    expect(listed).toMatch(/node-c +shop.example\/site:1 +[0-9a-f]{12} +[\d.]+ [KM]iB +\S+ +yes/);
    // The registry that the name speaks of does not exist: what runs came by the archive.
    await cluster.apply(pod({ name: 'site', image: 'shop.example/site:1', node: 'node-c' }));
    await cluster.settled('app=site', 1);
    const pinned = await cluster.tryGantry(['image', 'rm', 'shop.example/site:1']);
    expect(pinned.stderr).toContain('unpin it first: gantry image unpin shop.example/site:1');
    expect(pinned.stderr).toContain('failed on 3 of 3 nodes');
    expect(await nodesWith('shop.example/site:1')).toEqual(names);
    await image(['unpin', 'shop.example/site:1']);
    const refused = await cluster.tryGantry(['image', 'rm', 'shop.example/site:1']);
    expect(refused.stderr).toContain('node-c: ');
    expect(refused.stderr).toContain('in use by pod default/site');
    expect(refused.stderr).toContain('failed on 1 of 3 nodes');
    expect(refused).toMatchObject({ code: 1 });
    expect(await nodesWith('shop.example/site:1')).toEqual(['node-c']);
    await image(['load', '/root/images/site.tar', '--pin']);
  });

  test('a container is exported, and what was exported is imported and runs', async () => {
    reportJournals('export');
    await cluster.gantry(['exec', 'site', '--', 'sh', '-c', 'echo mine > /tmp/made-here']);
    await image(['export', 'pod/site', '-f', '/root/images/root.tar']);
    expect(await shell('tar -tf /root/images/root.tar ./tmp/made-here ./bin/busybox')).toBeTruthy();
    await image(['export', webImage, '--node', 'node-a', '-f', '/root/images/flat.tar']);
    const flat = await shell('tar -tvf /root/images/flat.tar ./bin/busybox ./tmp');
    expect(flat).toMatch(/-rwxr-xr-x 0\/0 .*busybox/);
    expect(flat).toMatch(/drwxrwxrwt 0\/0/);
    const made = [
      'import',
      '/root/images/root.tar',
      'mine:1',
      '--cmd',
      'sleep 1000',
      '--node',
      'node-b',
    ];
    await image([...made, '-e', 'PATH=/bin']);
    await cluster.apply(pod({ name: 'mine', image: 'mine:1', node: 'node-b' }));
    await cluster.settled('app=mine', 1);
    expect(await cluster.gantry(['exec', 'mine', '--', 'cat', '/tmp/made-here'])).toBe('mine\n');
    expect(await image(['history', 'mine:1'])).toContain('gantry image import');
    const details = JSON.parse(await image(['inspect', 'mine:1'])) as object;
    expect(details).toMatchObject({ config: { config: { Cmd: ['sleep', '1000'] } } });
  });

  test('what is pushed is there for others, and prune keeps what is used or pinned', async () => {
    reportJournals('push');
    await image(['push', 'mine:1', '10.99.0.10:5000/mine:2']);
    expect(await image(['pull', '10.99.0.10:5000/mine:2', '--node', 'node-a'])).toContain(
      'node-a: pulled',
    );
    const pruned = await image(['prune']);
    expect(pruned).toContain('node-a: removed 10.99.0.10:5000/mine:2');
    expect(pruned).not.toContain('shop.example');
    expect(await nodesWith('docker.io/library/mine:1')).toEqual(['node-b']);
    expect(await nodesWith('shop.example/site:1')).toEqual(names);
  });

  test('mistakes are named, and nothing is left half-done', async () => {
    reportJournals('mistakes');
    const refuse = async (args: readonly string[], code: number, why: string, input?: string) => {
      const outcome = await cluster.tryGantry(['image', ...args], input);
      expect([outcome.code, outcome.stderr]).toEqual([code, expect.stringContaining(why)]);
    };
    await refuse(['pull', webImage, '--node', 'node-d'], 2, 'did you mean "node-');
    await refuse(['pull', '10.99.0.10:5000/absent:1', '--node', 'node-a'], 1, 'check name and tag');
    await refuse(['pull', 'Not A Name', '--node', 'node-a'], 1, 'is invalid');
    await refuse(['pul', webImage], 2, 'Did you mean pull?');
    await refuse(['load', '/root/absent.tar'], 1, 'cannot read /root/absent.tar');
    await refuse(['load', '-'], 1, 'is it an OCI layout', 'this is no archive');
    await refuse(['inspect', 'absent:1'], 1, 'not on this node');
    await shell('cd /root/images && head -c 300000 site.tar > cut.tar');
    await refuse(['load', '/root/images/cut.tar'], 1, 'cut short');
    // Interrupted in the middle: neither a file here nor one there stays.
    await shell(
      'timeout -s INT 3 gantry image load - --node node-a < <(cat /root/images/site.tar; exec sleep 60 2>/dev/null) || true',
    );
    await eventually('no upload to be left', async () => {
      return (await cluster.node('node-a').shell('ls /var/lib/gantry/uploads')) === '';
    });
    expect(await shell('ls /root/images')).not.toContain('partial');
    const kubectl =
      '/opt/tools/kubectl --kubeconfig /var/lib/gantry/control-plane/admin.kubeconfig';
    expect(await shell(`${kubectl} get nodeimages`)).toMatch(/NAME +IMAGES +SIZE +PULLING\nnode-a/);
    const [site] = await cluster.pods('app=site');
    expect(site && isReady(site)).toBe(true);
  });

  test('run tells how far it is, or why it cannot', async () => {
    reportJournals('run');
    const ran = await cluster.gantry(['run', 'quick', '--image', webImage, '--node', 'node-b']);
    expect(ran).toBe('pod/quick created\npod/quick runs on node-b\n');
    const lost = await cluster.tryGantry(['run', 'lost', '--image', '10.99.0.10:5000/absent:1']);
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/pod\/lost waits with (ErrImagePull|ImagePullBackOff): .*absent/);
    await eventually('the time of the next try to be told', async () => {
      const said = await cluster.gantry(['describe', 'pod', 'lost']);
      return /Back-off pulling image .*, next try at \d{4}-\d\d-\d\dT/.test(said);
    });
    await cluster.gantry(['delete', 'pod', 'quick', 'lost', '--wait=false']);
  });
}
