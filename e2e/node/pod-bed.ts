import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { eventually } from '../cluster/process.ts';
import { SingleHost, type ContainerView, type PodView } from './single-host.ts';

/** A pod of one container `main`, as a test wants it. */
export interface PodOptions {
  readonly container?: object;
  readonly spec?: object;
  readonly metadata?: object;
}

/** A container that runs this shell script. */
export const script = (text: string) => ({ command: ['sh', '-c', text] });

/** The status of the first container. */
export const main = (pod: PodView): ContainerView =>
  pod.status.containerStatuses?.[0] ?? ({ state: {}, lastState: {} } as ContainerView);

const isReady = (pod: PodView) =>
  pod.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** Pods on one real node, and what is left of them. */
export class PodBed {
  readonly host: SingleHost;

  private constructor(host: SingleHost) {
    this.host = host;
  }

  static async start(flags: readonly string[] = [], dataMebibytes?: number): Promise<PodBed> {
    return new PodBed(await SingleHost.start(flags, dataMebibytes));
  }

  /** What of pods is on the host: directories and cgroups. */
  traces(): string[] {
    const { host } = this;
    const list = (dir: string) => (existsSync(dir) ? readdirSync(dir) : []);
    const dirs = [host.path('data/pods'), host.path('run/pods')].flatMap(list);
    const groups = readdirSync('/sys/fs/cgroup').flatMap((hierarchy) => {
      const dir = join('/sys/fs/cgroup', hierarchy, host.cgroup);
      return list(dir).filter((name) => name.includes('-') && !name.includes('.'));
    });
    return [...dirs, ...groups];
  }

  /** Mounts, interfaces and further processes that pods have left. */
  async leftovers(): Promise<string[]> {
    const [mounts, links] = await Promise.all([
      this.host.inside(['cat', '/proc/self/mountinfo']),
      this.host.inside(['ip', '-o', 'link', 'show', 'type', 'veth']),
    ]);
    const below = mounts.stdout.split('\n').filter((line) => /\/(data|run)\/pods\//.test(line));
    return [...this.traces(), ...below, ...links.stdout.split('\n').filter(Boolean)];
  }

  /** Deletes every pod and waits until nothing is left. */
  async clear(): Promise<void> {
    await this.host.kubectl(['delete', 'pod', '--all', '--grace-period=0', '--force']);
    await eventually('no pod to be left', async () => this.traces().length === 0, 15_000);
  }

  async run(name: string, { container, spec, metadata }: PodOptions): Promise<void> {
    const { host } = this;
    const main = { name: 'main', image: host.image, ...container };
    const body = { terminationGracePeriodSeconds: 1, containers: [main], ...spec };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name }, spec: body };
    await host.apply(object);
    onTestFailed(async () => {
      const { stdout } = await host.kubectl(['describe', 'pod', name]);
      process.stderr.write(`${stdout}\n`);
    });
  }

  ready(name: string): Promise<PodView> {
    return this.host.podUntil(name, 'ready', isReady);
  }

  /** Waits until the pod has run to its end, and returns what it wrote. */
  async output(name: string): Promise<string> {
    const ended = (pod: PodView) => ['Succeeded', 'Failed'].includes(pod.status.phase);
    await this.host.podUntil(name, 'ended', ended);
    return this.host.must(['logs', name]);
  }

  /** Runs a script in a pod that never restarts and returns what it wrote. */
  async outputOf(name: string, text: string, { container, spec }: PodOptions = {}) {
    const once = { restartPolicy: 'Never', ...spec };
    await this.run(name, { container: { ...script(text), ...container }, spec: once });
    return this.output(name);
  }

  /** What a command in the pod wrote; its failure is none of ours. */
  async inPod(name: string, text: string, container = 'main'): Promise<string> {
    const argv = ['exec', name, '-c', container, '--', 'sh', '-c', text];
    return (await this.host.kubectl(argv)).stdout;
  }
}
