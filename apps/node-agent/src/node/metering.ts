import type { Heartbeat, PodMetrics } from '@gantry/agent-protocol';
import type { AgentMetrics } from '../metrics/metrics.js';
import type { PodManager } from '../pods/pod-manager.js';
import type { PodWorker } from '../pods/pod-worker.js';
import { isRunning } from '../pods/record.js';
import type { RuntimeClient } from '@gantry/runtime-client';
import { availableMemoryBytes, diskSpace, hostCpuNanos, type Host } from './host.js';

/** Reads what the host and its containers use, for heartbeats and for the agent's own metrics. */
export class Metering {
  private sequence = 0;

  constructor(
    private readonly runtime: RuntimeClient,
    private readonly pods: PodManager,
    private readonly metrics: AgentMetrics,
    private readonly host: Host,
    private readonly dataDir: string,
  ) {}

  async heartbeat(): Promise<Heartbeat> {
    const disk = await diskSpace(this.dataDir);
    this.clearMetrics();
    const pods = await Promise.all(this.pods.list().map((worker) => this.pod(worker)));
    this.sequence += 1;
    return {
      sequence: this.sequence,
      node: {
        cpuUsageNanos: hostCpuNanos(),
        memoryWorkingSetBytes: this.host.memoryBytes - availableMemoryBytes(),
        diskAvailableBytes: disk.availableBytes,
        timestampUnixMillis: Date.now(),
      },
      pods,
    };
  }

  /** Series of containers that are gone must not stay. */
  private clearMetrics(): void {
    const { cpuSeconds, throttledSeconds, memoryBytes, pids } = this.metrics;
    for (const gauge of [cpuSeconds, throttledSeconds, memoryBytes, pids]) gauge.reset();
  }

  private async pod(worker: PodWorker): Promise<PodMetrics> {
    const { state, uid } = worker;
    const running = state.containers.filter(({ container }) =>
      isRunning(state.attemptOf(container)),
    );
    const containers = await Promise.all(
      running.map(async ({ container }) => {
        const path = `${state.paths.cgroup}/${state.attemptOf(container)!.id}`;
        const stats = await this.runtime.cgroupStats(path);
        if (!stats) return undefined;
        const { namespace = '', name: pod = '' } = state.pod.metadata;
        const labels = { namespace, pod, container: container.name };
        this.metrics.cpuSeconds.set(labels, stats.cpuUsageNanos / 1e9);
        this.metrics.throttledSeconds.set(labels, stats.throttledNanos / 1e9);
        this.metrics.memoryBytes.set(labels, stats.memoryWorkingSetBytes);
        this.metrics.pids.set(labels, stats.pids);
        const { cpuUsageNanos, memoryWorkingSetBytes, throttledNanos, pids } = stats;
        return { name: container.name, cpuUsageNanos, memoryWorkingSetBytes, throttledNanos, pids };
      }),
    );
    return { uid, containers: containers.filter((one) => one !== undefined) };
  }
}
