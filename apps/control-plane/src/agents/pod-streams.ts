import { Readable } from 'node:stream';
import type { Frame__Output, OpenStream } from '@gantry/agent-protocol';
import { PodKind } from '@gantry/api';
import { badRequest, GantryError, unavailable, type Clock, type Reason } from '@gantry/base';
import {
  channel,
  type ChannelSocket,
  type SubresourceRegistry,
  type SubresourceRequest,
  type SubresourceResponse,
  type UpgradePlan,
} from '../api/index.js';
import { parseLogQuery, parseStreamQuery } from './log-query.js';
import type { PodTarget, PodTargets } from './pod-target.js';
import type { RelayBroker, RelayStream } from './relay-broker.js';

interface FinalStatus {
  status?: string;
  message?: string;
  reason?: string;
}

export function failureOf(payload: Buffer): GantryError | undefined {
  const { status, message = '', reason } = JSON.parse(payload.toString('utf8')) as FinalStatus;
  if (status === 'Success') return undefined;
  return new GantryError((reason as Reason | undefined) ?? 'InternalError', message);
}

/** GET pods/NAME/log and the WebSockets of exec and attach, served by the agents' relays. */
export class PodStreams {
  constructor(
    private readonly targets: PodTargets,
    private readonly relays: RelayBroker,
    private readonly clock: Clock,
  ) {}

  register(registry: SubresourceRegistry): void {
    const kind = PodKind;
    registry.register({
      kind,
      name: 'log',
      verbs: ['get'],
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      handle: (request) => this.log(request),
    });
    const onlyWebSocket = (): Promise<SubresourceResponse> => {
      throw badRequest(
        'this needs a WebSocket (v5.channel.k8s.io); kubectl 1.30 and later use one',
      );
    };
    for (const name of ['exec', 'attach'] as const) {
      registry.register({
        kind,
        name,
        verbs: ['get', 'create'],
        responseKind: {
          group: '',
          version: 'v1',
          kind: name === 'exec' ? 'PodExecOptions' : 'PodAttachOptions',
        },
        handle: async () => onlyWebSocket(),
        upgrade: (request) => this.join(name, request).catch(refusal),
      });
    }
  }

  private async log(request: SubresourceRequest): Promise<SubresourceResponse> {
    const log = parseLogQuery(request.query, this.clock.now());
    const target = await this.targets.find(request);
    if ('peer' in target) return target;
    const relay = await this.open(target, { log }, request.signal);
    request.signal.addEventListener('abort', () => relay.close(), { once: true });
    const frames = relay[Symbol.asyncIterator]();
    // Whether there is a log at all shows in the first frame, while an error can still be answered.
    const first = await frames.next();
    if (!first.done && first.value.channel === channel.status) {
      const failure = failureOf(first.value.payload);
      if (failure) throw failure;
    }
    const stream = Readable.from(logText(first, frames, relay), { objectMode: false });
    return { stream, contentType: 'text/plain' };
  }

  private async join(name: 'exec' | 'attach', request: SubresourceRequest): Promise<UpgradePlan> {
    const wanted = parseStreamQuery(request.query);
    if (name === 'exec' && wanted.command.length === 0) {
      throw badRequest('you must specify at least one command for the container');
    }
    const target = await this.targets.find(request);
    if ('peer' in target) return target;
    const { stdin, stdout, stderr, tty } = wanted;
    const order = name === 'exec' ? { exec: wanted } : { attach: { stdin, stdout, stderr, tty } };
    const relay = await this.open(target, order, request.signal);
    return { serve: (socket) => joinSockets(socket, relay) };
  }

  private open(
    target: Exclude<PodTarget, { peer: string }>,
    order: Pick<OpenStream, 'log' | 'exec' | 'attach'>,
    signal: AbortSignal,
  ): Promise<RelayStream> {
    const { uid, namespace, name, generation } = target.pod.metadata;
    const pod = { uid, namespace, name, generation };
    const request = { pod, container: target.container.name, ...order };
    const send = (open: OpenStream) => target.session.openStream(open);
    return this.relays.open(target.node, request, send, signal);
  }
}

// kubectl takes an answer other than 101 for a server without WebSockets and tries SPDY, so that the
// user would never see the reason; as the final status of the session it is shown.
export function refusal(error: unknown): UpgradePlan {
  if (!(error instanceof GantryError)) throw error;
  const { message, reason, httpCode } = error;
  const status = JSON.stringify({ ...failure, message, reason, code: httpCode });
  return {
    serve: async (socket) => {
      await socket.send(channel.status, status);
      socket.close();
    },
  };
}

async function* logText(
  first: IteratorResult<Frame__Output>,
  frames: AsyncIterator<Frame__Output>,
  relay: RelayStream,
): AsyncGenerator<Buffer> {
  try {
    for (let next = first; !next.done; next = await frames.next()) {
      if (next.value.channel === channel.stdout) yield next.value.payload;
      else if (next.value.channel === channel.status) return;
    }
    throw unavailable('the node was disconnected');
  } finally {
    relay.close();
  }
}

/** Passes frames both ways until the final status was sent, or the client or the node has left. */
export async function joinSockets(socket: ChannelSocket, relay: RelayStream): Promise<void> {
  const upwards = async () => {
    try {
      for await (const frame of socket) await relay.write(frame.channel, frame.payload);
    } finally {
      relay.close();
    }
  };
  const downwards = async () => {
    try {
      for await (const frame of relay) {
        await socket.send(frame.channel, frame.payload);
        if (frame.channel === channel.status) return;
      }
      await socket.send(channel.status, lostNode);
    } catch {
      await socket.send(channel.status, lostNode);
    } finally {
      socket.close();
    }
  };
  await Promise.all([upwards(), downwards()]);
}

const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };

const lostNode = JSON.stringify({
  ...failure,
  message: 'the node was disconnected',
  reason: 'ServiceUnavailable',
  code: 503,
});
