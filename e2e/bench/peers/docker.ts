import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { removeGroup } from '../../cluster/cgroups.ts';
import { end, eventually } from '../../cluster/process.ts';

const cgroup = `gantry-bench-docker-${process.pid}`;
const pollMs = 5;
const patienceMs = 120_000;

/** Docker Swarm on this machine: a service is what a Deployment is to us. */
export interface Docker {
  /** Resolves when `count` tasks of a new service run. */
  start(name: string, count: number): Promise<void>;
  /** Resolves when no task of the service is left. */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

class Engine implements Docker {
  private readonly socket: string;
  private readonly directory: string;
  private readonly image: string;
  private readonly daemon: ChildProcess;

  constructor(directory: string, image: string) {
    this.directory = directory;
    this.image = image;
    this.socket = join(directory, 'docker.sock');
    const flags = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec')];
    const argv = [...flags, '-p', join(directory, 'pid'), '-H', `unix://${this.socket}`];
    argv.push('--cgroup-parent', `/${cgroup}`);
    this.daemon = spawn('dockerd', [...argv, '--log-level', 'error'], { stdio: 'ignore' });
  }

  private call<T>(method: string, path: string, body?: object): Promise<T> {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const call = request({ socketPath: this.socket, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path}: ${text}`));
          else resolve((text.startsWith('{') || text.startsWith('[') ? safely(text) : text) as T);
        });
      });
      call.on('error', reject).end(body ? JSON.stringify(body) : undefined);
    });
  }

  async ready(): Promise<void> {
    await eventually('dockerd', async () => (await this.call<string>('GET', '/_ping')) === 'OK');
    await this.call('POST', '/swarm/init', {
      ListenAddr: '127.0.0.1:2377',
      AdvertiseAddr: '127.0.0.1',
    });
    await this.call('POST', `/images/create?fromImage=${encodeURIComponent(this.image)}`);
  }

  private async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`docker: ${what} took over ${patienceMs} ms`);
      await pause(pollMs);
    }
  }

  private tasks(name: string): Promise<{ Status: { State: string } }[]> {
    const filters = encodeURIComponent(JSON.stringify({ service: [name] }));
    return this.call('GET', `/tasks?filters=${filters}`);
  }

  async start(name: string, count: number): Promise<void> {
    await this.call('POST', '/services/create', {
      Name: name,
      TaskTemplate: { ContainerSpec: { Image: this.image, StopGracePeriod: 1 } },
      Mode: { Replicated: { Replicas: count } },
    });
    await this.until(`start of ${name}`, async () => {
      const tasks = await this.tasks(name);
      return tasks.filter((task) => task.Status.State === 'running').length >= count;
    });
  }

  async remove(name: string): Promise<void> {
    await this.call('DELETE', `/services/${name}`);
    const filters = encodeURIComponent(
      JSON.stringify({ label: [`com.docker.swarm.service.name=${name}`] }),
    );
    await this.until(`removal of ${name}`, async () => {
      const left = await this.call<unknown[]>('GET', `/containers/json?all=1&filters=${filters}`);
      return left.length === 0;
    });
  }

  async close(): Promise<void> {
    await this.call('POST', '/swarm/leave?force=1').catch(() => {});
    await end(this.daemon, 20_000);
    removeGroup(cgroup);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

// A pull answers with one JSON object per line: progress that nobody here reads.
function safely(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A dockerd of our own with one-node Swarm and the sample image; undefined where Docker is not installed. */
export async function startDocker(registry: string): Promise<Docker | undefined> {
  if (!existsSync('/usr/sbin/dockerd')) return undefined;
  const directory = mkdtempSync('/var/tmp/gantry-docker-');
  const engine = new Engine(directory, `${registry}/hello-web:1.0`);
  try {
    await engine.ready();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}
