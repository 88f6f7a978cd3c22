import type { Heartbeat__Output } from '@gantry/agent-protocol';

/** What something uses now. */
export interface Usage {
  readonly cpuNanosPerSecond: number;
  readonly memoryBytes: number;
}

export interface ContainerUsage extends Usage {
  readonly name: string;
}

export interface PodUsage {
  readonly containers: readonly ContainerUsage[];
}

/** What a node and its pods used between two heartbeats. */
export interface NodeUsage extends Usage {
  readonly atMs: number;
  readonly windowMs: number;
  readonly pods: ReadonlyMap<string, PodUsage>;
}

interface Sample {
  readonly atMs: number;
  readonly heartbeat: Heartbeat__Output;
}

/** Rates are taken over at least this time, so that two heartbeats in a row do not make noise. */
const minWindowMs = 1000;

function rate(now: number, before: number | undefined, windowMs: number): number {
  // A counter that fell back belongs to another life of its container.
  if (before === undefined || now < before || windowMs <= 0) return 0;
  return ((now - before) / windowMs) * 1000;
}

function podUsage(now: Heartbeat__Output, before: Heartbeat__Output, windowMs: number) {
  const old = new Map(
    before.pods.flatMap((pod) => pod.containers.map((c) => [`${pod.uid}/${c.name}`, c] as const)),
  );
  return new Map(
    now.pods.map((pod): [string, PodUsage] => {
      const containers = pod.containers.map((c) => ({
        name: c.name,
        cpuNanosPerSecond: rate(
          c.cpuUsageNanos,
          old.get(`${pod.uid}/${c.name}`)?.cpuUsageNanos,
          windowMs,
        ),
        memoryBytes: c.memoryWorkingSetBytes,
      }));
      return [pod.uid, { containers }];
    }),
  );
}

/** The latest metering of each node with a session here; in memory only, never in the store. */
export class Metering {
  private readonly samples = new Map<string, { last: Sample; before: Sample }>();

  record(node: string, heartbeat: Heartbeat__Output, atMs: number): void {
    const last = { atMs, heartbeat };
    const known = this.samples.get(node);
    const fresh = known && atMs - known.last.atMs >= minWindowMs;
    const before = fresh ? known.last : (known?.before ?? last);
    this.samples.set(node, { last, before });
  }

  forget(node: string): void {
    this.samples.delete(node);
  }

  nodes(): string[] {
    return [...this.samples.keys()];
  }

  /** Undefined until two heartbeats have been seen. */
  usage(node: string): NodeUsage | undefined {
    const sample = this.samples.get(node);
    if (!sample || sample.last === sample.before) return undefined;
    const { last, before } = sample;
    const windowMs = last.atMs - before.atMs;
    const [now, then] = [last.heartbeat.node, before.heartbeat.node];
    if (!now || !then) return undefined;
    return {
      atMs: last.atMs,
      windowMs,
      cpuNanosPerSecond: rate(now.cpuUsageNanos, then.cpuUsageNanos, windowMs),
      memoryBytes: now.memoryWorkingSetBytes,
      pods: podUsage(last.heartbeat, before.heartbeat, windowMs),
    };
  }
}
