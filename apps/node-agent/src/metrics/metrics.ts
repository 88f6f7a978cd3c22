import { Counter, Gauge, Registry } from 'prom-client';

/** What the agent counts; served on 127.0.0.1. */
export interface AgentMetrics {
  readonly registry: Registry;
  readonly pulls: Counter<'outcome'>;
  /** `from` is registry or peer. */
  readonly imageBytes: Counter<'from'>;
  readonly servedBytes: Counter;
  readonly containerStarts: Counter<'outcome'>;
  readonly restarts: Counter;
  readonly pods: Gauge;
  readonly connected: Gauge;
  readonly cpuSeconds: Gauge<ContainerLabel>;
  readonly throttledSeconds: Gauge<ContainerLabel>;
  readonly memoryBytes: Gauge<ContainerLabel>;
  readonly pids: Gauge<ContainerLabel>;
}

export type ContainerLabel = 'namespace' | 'pod' | 'container';

const perContainer = ['namespace', 'pod', 'container'] as const;

export function createMetrics(): AgentMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name: `gantry_agent_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name: `gantry_${name}`, help, labelNames, registers });
  return {
    registry,
    pulls: counter('image_pulls_total', 'Image pulls by outcome.', ['outcome']),
    imageBytes: counter('image_bytes_total', 'Bytes of layers that were downloaded.', ['from']),
    servedBytes: counter('peer_served_bytes_total', 'Bytes of layers that other nodes were sent.'),
    containerStarts: counter('container_starts_total', 'Container starts by outcome.', ['outcome']),
    restarts: counter('container_restarts_total', 'Containers started again after an exit.'),
    pods: gauge('agent_pods', 'Pods on this node.'),
    connected: gauge('agent_connected', '1 while a session with the control plane stands.'),
    cpuSeconds: gauge('container_cpu_usage_seconds_total', 'CPU time used.', perContainer),
    throttledSeconds: gauge(
      'container_cpu_throttled_seconds_total',
      'Time in which the CPU limit held the container back.',
      perContainer,
    ),
    memoryBytes: gauge('container_memory_working_set_bytes', 'Memory in use.', perContainer),
    pids: gauge('container_processes', 'Processes and threads.', perContainer),
  };
}
