import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { describeError, GantryError, type Logger } from '@gantry/base';
import { WebSocketServer } from 'ws';
import { ChannelSocket } from '../subresources/channel-socket.js';
import { type Dispatcher, subresourceRequest } from './dispatcher.js';
import type { PeerProxy } from './peer-proxy.js';
import { failure } from './status.js';

/** Sub-protocols of exec and attach that are served, the best first. */
const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'channel.k8s.io'];

/** Bytes one message of a client may have. */
const maxMessageBytes = 4 * 1024 * 1024;

export interface UpgradeOptions {
  readonly dispatcher: Dispatcher;
  readonly peers: PeerProxy;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Serves WebSockets on the paths of registered subresources; other upgrades are refused. */
export function handleUpgrades(server: Server, options: UpgradeOptions): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    handleProtocols: (offered) => protocols.find((name) => offered.has(name)) ?? false,
  });
  server.on('upgrade', (raw: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    upgrade(raw, socket, head, sockets, options).catch((error: unknown) => {
      if (!(error instanceof GantryError)) {
        options.logger.error({ err: describeError(error) }, 'upgrade failed');
      }
      refuse(socket, error);
    });
  });
}

function offeredProtocol(raw: IncomingMessage): string {
  if (raw.headers.upgrade?.toLowerCase() !== 'websocket') {
    const message =
      `upgrade to ${raw.headers.upgrade} is not served: use a client that speaks WebSockets ` +
      '(kubectl 1.30 or newer)';
    throw new GantryError('BadRequest', message);
  }
  const offered = (raw.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
  const found = protocols.find((name) => offered.includes(name));
  if (found) return found;
  const message = `none of the offered sub-protocols is served: offer ${protocols.join(' or ')}`;
  throw new GantryError('BadRequest', message);
}

async function upgrade(
  raw: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  sockets: WebSocketServer,
  { dispatcher, peers, logger, signal }: UpgradeOptions,
): Promise<void> {
  const [pathname = '', search = ''] = (raw.url ?? '').split('?', 2);
  const query = new URLSearchParams(search);
  const { path, attributes } = dispatcher.route('GET', pathname, query);
  const user = await dispatcher.admit(raw, { ...attributes, verb: dispatcher.upgradeVerb(path) });
  const handler = dispatcher.upgradeHandler(path);
  const protocol = offeredProtocol(raw);
  const gone = closingWith(socket, signal);
  const request = {
    method: 'GET',
    query,
    headers: raw.headers,
    body: undefined,
    raw,
    user,
    signal: gone,
  };
  if (path.type !== 'resource') return;
  const plan = await handler.upgrade(subresourceRequest(request, path.path));
  if ('peer' in plan) return peers.upgrade(raw, socket, head, plan.peer);
  sockets.handleUpgrade(raw, socket, head, (ws) => {
    const channels = new ChannelSocket(ws, protocol);
    gone.addEventListener('abort', () => channels.close(1001, 'the server stops'), { once: true });
    plan.serve(channels).catch((error: unknown) => {
      logger.warn({ err: describeError(error), path: pathname }, 'session ended with an error');
      channels.close(1011, 'internal error');
    });
  });
}

/** Aborts when the socket closes or the server stops, and leaves no trace on the server's signal. */
function closingWith(socket: Duplex, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController();
  const stop = () => gone.abort(stopping.reason);
  stopping.addEventListener('abort', stop, { once: true });
  socket.once('close', () => {
    stopping.removeEventListener('abort', stop);
    gone.abort();
  });
  return gone.signal;
}

function refuse(socket: Duplex, error: unknown): void {
  if (socket.destroyed) return;
  const status = failure(error);
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
