import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeGroup } from './cgroups.ts';
import { Host } from './host.ts';
import { TestNetwork } from './network.ts';
import { eventually, must, type Outcome } from './process.ts';

export const checkout = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const inside = '/opt/gantry';
const insideTools = '/opt/tools';
export const registry = '10.99.0.10:5000';

/** As much of a Pod as the scenarios look at. */
export interface PodView {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      type: string;
      status: string;
      reason?: string;
      message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerView[];
  };
}

export interface ContainerView {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly containerID?: string;
  readonly state: {
    readonly running?: { startedAt: string };
    readonly waiting?: { reason: string; message?: string };
    readonly terminated?: { reason: string; exitCode: number };
  };
  readonly lastState?: { readonly terminated?: { reason: string; exitCode: number } };
}

export const isReady = (pod: PodView): boolean =>
  pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** etcd, a registry and a control plane on one host, a second control plane on another, agents on three. */
export class Cluster {
  readonly control: Host;
  readonly standby: Host;
  readonly nodes: readonly Host[];
  private readonly directory: string;
  private readonly group: string;
  private readonly network: TestNetwork;

  private constructor(network: TestNetwork, tools: string) {
    this.network = network;
    this.directory = mkdtempSync('/var/tmp/gantry-e2e-');
    this.group = this.directory.slice(this.directory.lastIndexOf('/') + 1);
    const binds = { [checkout]: inside, [tools]: insideTools };
    const host = (name: string, last: number) =>
      new Host({
        name,
        address: `10.99.0.${last}`,
        network,
        directory: this.directory,
        binds,
        group: this.group,
      });
    this.control = host('control', 10);
    this.standby = host('standby', 20);
    this.nodes = [host('node-a', 11), host('node-b', 12), host('node-c', 13)];
  }

  static async start(): Promise<Cluster> {
    const tools = (await must([join(checkout, 'deploy/tools.sh')])).trim();
    const cluster = new Cluster(await TestNetwork.create(), tools);
    try {
      await cluster.bringUp();
    } catch (error) {
      await cluster.journals(join(checkout, 'test-results/journal-start.log')).catch(() => {});
      await cluster.close().catch(() => {});
      throw error;
    }
    return cluster;
  }

  private get hosts(): readonly Host[] {
    return [this.control, this.standby, ...this.nodes];
  }

  private async bringUp(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.boot()));
    await this.startEtcd();
    await this.startRegistry();
    await this.installControlPlane(this.control, []);
    await this.copyPki();
    await this.installControlPlane(this.standby, ['--pki', '/root/pki']);
    for (const node of this.nodes) await this.join(node);
    await eventually('three ready nodes', async () => (await this.readyNodes()).length === 3);
  }

  /** A unit of the test's own on a host, restarted by systemd like any service. */
  private async startUnit(host: Host, name: string, command: string): Promise<void> {
    const unit = `[Service]\nExecStart=${command}\nRestart=always\nRestartSec=1\n`;
    await host.shell(
      `cat > /etc/systemd/system/${name}.service && systemctl daemon-reload && systemctl start ${name}`,
      {
        input: unit,
      },
    );
  }

  private async startEtcd(): Promise<void> {
    const url = 'http://10.99.0.10:2379';
    const flags = `--data-dir /var/lib/gantry/etcd --listen-client-urls ${url} --advertise-client-urls ${url}`;
    await this.startUnit(this.control, 'cluster-etcd', `${insideTools}/etcd ${flags}`);
    await eventually('etcd', () =>
      this.control.shell(`${insideTools}/etcdctl --endpoints ${url} endpoint health`),
    );
  }

  private async startRegistry(): Promise<void> {
    const config = [
      'version: 0.1\nlog: {level: warn}',
      'storage: {filesystem: {rootdirectory: /var/lib/gantry/registry}}',
      'http: {addr: ":5000"}\n',
    ].join('\n');
    await this.control.shell('cat > /etc/registry.yml', { input: config });
    await this.startUnit(
      this.control,
      'registry',
      `${insideTools}/docker-registry serve /etc/registry.yml`,
    );
    const sample = `${inside}/node_modules/.bin/node ${inside}/deploy/sample-image.mjs ${insideTools}/busybox`;
    await eventually('the sample image in the registry', () =>
      this.control.shell(`${sample} ${registry} hello-web:1.0`),
    );
  }

  private async installControlPlane(host: Host, flags: readonly string[]): Promise<void> {
    const address = host.options.address;
    const timing = '--node-grace-seconds 6 --pod-eviction-seconds 4';
    await host.shell(
      `${inside}/deploy/install.sh control-plane --advertise-address ${address} --store etcd:http://10.99.0.10:2379 ${timing} ${flags.join(' ')}`,
    );
  }

  private async copyPki(): Promise<void> {
    const archive = await this.control.shell(
      'tar -C /var/lib/gantry/control-plane/pki -c . | base64 -w0',
    );
    await this.standby.shell('mkdir -p /root/pki && base64 -d | tar -C /root/pki -x', {
      input: archive,
    });
  }

  async join(node: Host): Promise<void> {
    const flags = (
      await this.gantry(['token', 'create', '--uses', '1', '--ttl', '10m', '-o', 'flags'])
    ).trim();
    const servers = `--server 10.99.0.10:6444,10.99.0.20:6444 ${flags}`;
    await node.shell('cat > /etc/registries.json', {
      input: JSON.stringify({ [registry]: { plainHttp: true } }),
    });
    await node.shell(
      `${inside}/deploy/install.sh agent ${servers} --node-name ${node.name} --node-ip ${node.options.address} --registries /etc/registries.json`,
    );
  }

  /** Runs `gantry` where an administrator would: on the control plane's host. */
  async gantry(args: readonly string[], input?: string): Promise<string> {
    const outcome = await this.tryGantry(args, input);
    if (outcome.code === 0) return outcome.stdout;
    throw new Error(
      `gantry ${args.join(' ')} ended with ${outcome.code}\n${outcome.stdout}\n${outcome.stderr}`,
    );
  }

  tryGantry(args: readonly string[], input?: string, host = this.control): Promise<Outcome> {
    return host.run(['gantry', ...args], { input: input ?? '' });
  }

  async apply(manifest: object | readonly object[]): Promise<string> {
    const documents = Array.isArray(manifest) ? manifest : [manifest];
    return this.gantry(
      ['apply', '-f', '-'],
      documents.map((d) => JSON.stringify(d)).join('\n---\n'),
    );
  }

  async get<T>(args: readonly string[], host = this.control): Promise<T> {
    const outcome = await this.tryGantry(['get', ...args, '-o', 'json'], '', host);
    if (outcome.code !== 0) throw new Error(outcome.stderr);
    return JSON.parse(outcome.stdout) as T;
  }

  async pods(selector: string, host = this.control): Promise<readonly PodView[]> {
    return (await this.get<{ items: PodView[] }>(['pods', '-l', selector], host)).items;
  }

  async readyNodes(host = this.control): Promise<readonly string[]> {
    interface NodeView {
      metadata: { name: string };
      status: { conditions?: { type: string; status: string }[] };
    }
    const { items } = await this.get<{ items: NodeView[] }>(['nodes'], host);
    const ready = items.filter((n) =>
      n.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    return ready.map((n) => n.metadata.name);
  }

  /** Waits until exactly `count` pods of the selector are ready and none other is left. */
  settled(selector: string, count: number, timeoutMs?: number): Promise<readonly PodView[]> {
    return eventually(
      `${count} ready pods with ${selector}`,
      async () => {
        const pods = await this.pods(selector);
        return pods.length === count && pods.every(isReady) ? pods : undefined;
      },
      timeoutMs,
    );
  }

  node(name: string | undefined): Host {
    const found = this.nodes.find((node) => node.name === name);
    if (!found) throw new Error(`no host ${name}`);
    return found;
  }

  async close(): Promise<void> {
    for (const host of this.hosts) await host.close();
    await this.network.close();
    removeGroup(this.group);
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What the hosts logged, for the report of a failed scenario. */
  async journals(file: string): Promise<void> {
    const parts = await Promise.all(
      this.hosts.map(async (host) => {
        const log = await host.run([
          'journalctl',
          '--no-pager',
          '-o',
          'short-precise',
          '-n',
          '400',
        ]);
        return `===== ${host.name}\n${log.stdout}`;
      }),
    );
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, parts.join('\n'));
  }
}
