import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { parse } from 'yaml';
import { checkout } from '../../cluster/cluster.ts';
import { end, eventually, must, run } from '../../cluster/process.ts';

const patienceMs = 120_000;
const registry = '127.0.0.1:5000';
const node = process.execPath;

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

interface PodEvent {
  object: {
    metadata: { name: string; labels?: Record<string, string> };
    status?: { phase?: string };
  };
}

const pods = '/api/v1/namespaces/default/pods';

/** A control plane on the embedded store, an agent and a registry, in this process's network namespace. */
export class Gantry {
  readonly registry = registry;
  readonly directory = mkdtempSync('/var/tmp/gantry-bench-');
  private readonly children: ChildProcess[] = [];
  private connection: RequestOptions = {};

  private spawn(name: string, argv: readonly string[]): void {
    const log = openSync(join(this.directory, `${name}.log`), 'a');
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', log, log] });
    this.children.push(child);
  }

  private get kubeconfig(): string {
    return join(this.directory, 'control-plane/admin.kubeconfig');
  }

  async bringUp(): Promise<void> {
    await this.startRegistry();
    const data = join(this.directory, 'control-plane');
    mkdirSync(data);
    this.spawn('control-plane', [
      node,
      join(checkout, 'apps/control-plane/dist/bundle/gantry-control-plane.js'),
      'serve',
      '--data-dir',
      data,
      '--store',
      `embedded:${join(data, 'store.db')}`,
      '--advertise-address',
      '127.0.0.1',
    ]);
    await eventually('the API', async () => {
      return (await run(['curl', '-fsk', 'https://127.0.0.1:6443/readyz'])).code === 0;
    });
    this.connect();
    await this.startAgent();
  }

  private async startRegistry(): Promise<void> {
    const tools = (
      await must([join(checkout, 'deploy/tools.sh'), 'docker-registry', 'busybox'])
    ).trim();
    const config = join(this.directory, 'registry.yml');
    writeFileSync(
      config,
      `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${this.directory}/registry}}\nhttp: {addr: ${registry}}\n`,
    );
    this.spawn('registry', [join(tools, 'docker-registry'), 'serve', config]);
    const sample = [join(checkout, 'deploy/sample-image.mjs'), join(tools, 'busybox'), registry];
    await eventually('the sample image', () => must([node, ...sample, 'hello-web:1.0']));
  }

  private async startAgent(): Promise<void> {
    const cli = [node, join(checkout, 'apps/cli/dist/gantry.cjs'), '--kubeconfig', this.kubeconfig];
    const credentials = (await must([...cli, 'token', 'create', '-o', 'flags']))
      .trim()
      .split(/\s+/);
    this.spawn('agent', [
      join(checkout, 'apps/node-agent/bin/gantry-agent'),
      '--server',
      '127.0.0.1:6444',
      '--node-name',
      'bench',
      '--data-dir',
      join(this.directory, 'agent'),
      '--run-dir',
      join(this.directory, 'run'),
      '--native-dir',
      join(checkout, 'native/target/release'),
      '--node-ip',
      '127.0.0.1',
      '--max-pods',
      '250',
      '--cgroup-root',
      `/gantry-bench-${process.pid}`,
      ...credentials,
    ]);
    await eventually('the node', async () => / Ready /.test(await must([...cli, 'get', 'nodes'])));
  }

  private connect(): void {
    const config = parse(readFileSync(this.kubeconfig, 'utf8')) as Kubeconfig;
    const decode = (text = '') => Buffer.from(text, 'base64');
    this.connection = {
      agent: new Agent({ keepAlive: true, maxSockets: 64 }),
      host: '127.0.0.1',
      port: 6443,
      ca: decode(config.clusters[0]?.cluster['certificate-authority-data']),
      cert: decode(config.users[0]?.user['client-certificate-data']),
      key: decode(config.users[0]?.user['client-key-data']),
    };
  }

  private open(method: string, path: string, body?: object): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const call = request({ ...this.connection, method, path, headers }, resolve);
      call.on('error', reject).end(body ? JSON.stringify(body) : undefined);
    });
  }

  private async call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.open(method, path, body);
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    if ((response.statusCode ?? 500) >= 300) throw new Error(`${method} ${path}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** Resolves when `count` pods of one label run, as a watch that was open before tells it. */
  async start(name: string, count: number): Promise<void> {
    const watch = await this.open('GET', `${pods}?watch=true&labelSelector=app%3D${name}`);
    const running = this.untilRunning(watch, count);
    const create = (i: number) => this.call('POST', pods, manifest(name, i));
    await Promise.all(Array.from({ length: count }, (_, i) => create(i)));
    await running;
    watch.destroy();
  }

  private untilRunning(watch: IncomingMessage, count: number): Promise<void> {
    const seen = new Set<string>();
    let rest = '';
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`only ${seen.size} of ${count} run`)),
        patienceMs,
      );
      watch.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const { object } = JSON.parse(line) as PodEvent;
          if (object.status?.phase === 'Running') seen.add(object.metadata.name);
        }
        if (seen.size < count) return;
        clearTimeout(timer);
        resolve();
      });
      watch.on('error', () => {});
    });
  }

  async remove(name: string): Promise<void> {
    const selector = `?labelSelector=app%3D${name}`;
    await this.call('DELETE', `${pods}${selector}`);
    await eventually(`removal of ${name}`, async () => {
      const list = await this.call<{ items: unknown[] }>('GET', `${pods}${selector}`);
      return list.items.length === 0;
    });
  }

  async close(): Promise<void> {
    for (const child of this.children.reverse()) await end(child, 10_000);
    await run([
      join(checkout, 'apps/node-agent/bin/gantry-agent'),
      'teardown',
      '--data-dir',
      join(this.directory, 'agent'),
      '--run-dir',
      join(this.directory, 'run'),
      '--native-dir',
      join(checkout, 'native/target/release'),
      '--cgroup-root',
      `/gantry-bench-${process.pid}`,
    ]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function manifest(name: string, index: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${name}-${index}`, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: `${registry}/hello-web:1.0` }],
    },
  };
}

export async function startGantry(): Promise<Gantry> {
  const gantry = new Gantry();
  try {
    await gantry.bringUp();
    return gantry;
  } catch (error) {
    await gantry.close();
    throw error;
  }
}
