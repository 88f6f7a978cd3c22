import type { Cluster } from '../cluster/cluster.ts';

const chain = 'inet tally sent';

/** Counts what the cluster's registry sends, where it leaves its host. */
export class RegistryMeter {
  private readonly cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async start(cluster: Cluster): Promise<RegistryMeter> {
    const rules = [
      'add table inet tally',
      `add chain ${chain} { type filter hook output priority -100; }`,
      `add rule ${chain} ip saddr 10.99.0.10 tcp sport 5000 counter`,
    ];
    await cluster.control.shell('nft -f -', { input: `${rules.join('\n')}\n` });
    return new RegistryMeter(cluster);
  }

  /** Bytes that were sent since it was started, with their headers. */
  async bytes(): Promise<number> {
    const listed = await this.cluster.control.shell(`nft list chain ${chain}`);
    return Number(/bytes (\d+)/.exec(listed)?.[1]);
  }

  /** Bytes that are sent while `work` runs. */
  async during(work: () => Promise<unknown>): Promise<number> {
    const before = await this.bytes();
    await work();
    return (await this.bytes()) - before;
  }
}
