import type { AgentGatewayClient, OpenStream__Output } from '@gantry/agent-protocol';
import type { Container } from '@gantry/api';
import { describeError, type Logger } from '@gantry/base';
import { Channel, type RuntimeClient } from '@gantry/runtime-client';
import { bundleProcess } from '../pods/bundle-process.js';
import { attemptPaths } from '../pods/paths.js';
import type { PodManager } from '../pods/pod-manager.js';
import type { PodWorker } from '../pods/pod-worker.js';
import { isRunning, type Attempt } from '../pods/record.js';
import type { ImageRelay } from '../images/image-relay.js';
import { relaySession } from './exec-relay.js';
import { readLog } from './log-reader.js';
import { failureStatus, Relay, RelayError, successStatus } from './relay.js';

/** Relays open at once at most; further ones are refused with a reason. */
export const maxRelays = 256;

export interface RelaysOptions {
  readonly pods: PodManager;
  readonly runtime: RuntimeClient;
  readonly logger: Logger;
  readonly logMaxFiles: number;
  readonly images: ImageRelay;
  /** The client of the session in force; undefined while there is none. */
  readonly gateway: () => AgentGatewayClient | undefined;
}

interface Target {
  readonly worker: PodWorker;
  readonly container: Container;
}

/** Serves logs, exec and attach over streams that the agent itself opens. */
export class Relays {
  private readonly relays = new Map<string, Relay>();

  constructor(private readonly options: RelaysOptions) {}

  open(order: OpenStream__Output): void {
    const client = this.options.gateway();
    if (!client || this.relays.has(order.streamId)) return;
    const relay = new Relay(client.relay(), order.streamId);
    this.relays.set(order.streamId, relay);
    this.serve(order, relay)
      .catch((error: unknown) => {
        const { streamId, request } = order;
        this.options.logger.debug({ streamId, request, err: describeError(error) }, 'relay failed');
        relay.finish(failureStatus(error));
      })
      .finally(() => this.relays.delete(order.streamId));
  }

  cancel(streamId: string): void {
    this.relays.get(streamId)?.cancel();
  }

  closeAll(): void {
    for (const relay of this.relays.values()) relay.cancel();
  }

  private async serve(order: OpenStream__Output, relay: Relay): Promise<void> {
    if (this.relays.size > maxRelays) {
      throw new RelayError(429, 'TooManyRequests', `more than ${maxRelays} streams on this node`);
    }
    if (order.image) return this.options.images.serve(order, relay);
    const target = this.find(order);
    if (order.log) return this.log(order, relay, target);
    if (order.exec) return this.exec(order, relay, target);
    if (order.attach) return this.attach(order, relay, target);
    throw new RelayError(400, 'BadRequest', 'this agent does not know such a stream');
  }

  private find(order: OpenStream__Output): Target {
    const worker = this.options.pods.find(order.pod?.uid ?? '');
    const found = worker?.state.containers.find(
      ({ container }) => container.name === order.container,
    );
    if (worker && found) return { worker, container: found.container };
    const what = `container ${order.container} of pod ${order.pod?.name}`;
    throw new RelayError(404, 'NotFound', `${what} is not on this node`);
  }

  /** The first process of the container that the order names, seen from the host. */
  async pidOf(order: OpenStream__Output): Promise<number> {
    const { id } = this.running(this.find(order));
    const state = await this.options.runtime.state(id);
    if (state && state.pid > 0) return state.pid;
    throw new RelayError(404, 'NotFound', `container "${order.container}" has just ended`);
  }

  private async log(order: OpenStream__Output, relay: Relay, target: Target): Promise<void> {
    const request = order.log!;
    const { state } = target.worker;
    const name = target.container.name;
    const attempt = this.loggedAttempt(target, request.previous);
    const source = {
      path: attemptPaths(state.paths, name, attempt.attempt).log,
      maxFiles: this.options.logMaxFiles,
      ended: () => attempt.exit !== undefined || target.worker.gone,
    };
    const selection = { ...request, sinceMs: request.sinceUnixMillis };
    for await (const text of readLog(source, selection, relay.signal)) {
      await relay.write(Channel.stdout, text);
    }
    relay.finish(successStatus);
  }

  private loggedAttempt({ worker, container }: Target, previous: boolean): Attempt {
    const record = worker.state.record.containers[container.name];
    const pod = worker.state.pod.metadata.name;
    const attempt = previous ? record?.last : (record?.current ?? record?.last);
    if (attempt) return attempt;
    const message = previous
      ? `previous terminated container "${container.name}" in pod "${pod}" not found`
      : `container "${container.name}" in pod "${pod}" is waiting to start`;
    throw new RelayError(400, 'BadRequest', message);
  }

  private running({ worker, container }: Target): Attempt {
    const attempt = worker.state.attemptOf(container);
    if (attempt && isRunning(attempt)) return attempt;
    const pod = worker.state.pod.metadata.name;
    const message = `container "${container.name}" in pod "${pod}" is not running`;
    throw new RelayError(400, 'BadRequest', message);
  }

  private async exec(order: OpenStream__Output, relay: Relay, target: Target): Promise<void> {
    const request = order.exec!;
    const { state } = target.worker;
    const attempt = this.running(target);
    const { bundle } = attemptPaths(state.paths, target.container.name, attempt.attempt);
    const process = {
      ...(await bundleProcess(bundle)),
      args: [...request.command],
      terminal: request.tty,
    };
    const options = { stdin: request.stdin, signal: relay.signal };
    const session = await this.options.runtime.exec(attempt.id, process, options);
    await relaySession(relay, session, { stdout: request.stdout, stderr: request.stderr });
  }

  private async attach(order: OpenStream__Output, relay: Relay, target: Target): Promise<void> {
    const { stdin, stdout, stderr } = order.attach!;
    const attempt = this.running(target);
    const session = await this.options.runtime.attach(attempt.id, { stdin });
    await relaySession(relay, session, { stdout, stderr });
  }
}
