import { spawn, type ChildProcess } from 'node:child_process';
import { end, eventually, must, run } from './process.ts';

export const bridgeName = 'br-nodes';
export const gateway = '10.99.0.254';

/**
 * A network and mount namespace of the test's own with one bridge: the cable between the hosts.
 * Everything that is mounted or linked in it vanishes with its holder process.
 */
export class TestNetwork {
  private readonly holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.holder = holder;
  }

  static async create(): Promise<TestNetwork> {
    const script = [
      'ip link set lo up',
      `ip link add ${bridgeName} type bridge`,
      `ip addr add ${gateway}/24 dev ${bridgeName}`,
      `ip link set ${bridgeName} up`,
      'exec sleep infinity',
    ].join(' && ');
    const argv = ['-m', '-n', '--propagation', 'private', 'sh', '-c', script];
    const network = new TestNetwork(spawn('unshare', argv, { stdio: 'ignore' }));
    await eventually('the bridge between the hosts', async () => {
      const links = await run(network.inside(['ip', '-br', 'link', 'show', bridgeName]));
      return links.code === 0 && / (UP|UNKNOWN|DOWN) /.test(links.stdout);
    });
    return network;
  }

  /** The command line that runs `argv` in these namespaces. */
  inside(argv: readonly string[]): string[] {
    return ['nsenter', '-n', '-m', '-t', String(this.holder.pid), ...argv];
  }

  /** Unplugs or plugs the host's cable; the host itself notices nothing but silence. */
  async setLink(host: string, state: 'up' | 'down'): Promise<void> {
    await must(this.inside(['ip', 'link', 'set', `vb-${host}`, state]));
  }

  async close(): Promise<void> {
    await end(this.holder, 100);
  }
}
