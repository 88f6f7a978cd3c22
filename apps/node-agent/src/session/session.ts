import { credentials, status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import {
  keepaliveOptions,
  loadAgentProtocol,
  type AgentGatewayClient,
  type AgentMessage,
  type ControlMessage__Output,
  type EnrollmentClient,
  type Hello,
} from '@gantry/agent-protocol';
import { Backoff, delay, systemClock, type Logger } from '@gantry/base';
import type { Identity } from '../identity/identity.js';
import { Outbox } from './outbox.js';

/** What the session speaks for. Calls never overlap. */
export interface SessionPeer {
  hello(): Hello;
  receive(message: ControlMessage__Output): void;
  disconnected(): void;
}

export interface SessionOptions {
  readonly servers: readonly string[];
  /** Read at each connect, so that a renewed certificate is used from the next one on. */
  readonly identity: () => Identity;
  readonly peer: SessionPeer;
  readonly logger: Logger;
}

type Stream = ClientDuplexStream<AgentMessage, ControlMessage__Output>;

/** A session that lasted this long ends the back-off, in milliseconds. */
const steadyAfterMs = 30_000;

/**
 * The one long stream to a control plane. It reconnects by itself, to the next server in turn, with
 * jittered back-off; what is sent while it is down is coalesced and bounded by the outbox.
 */
export class Session {
  private readonly protocol = loadAgentProtocol();
  private readonly outbox = new Outbox();
  private gateway?: AgentGatewayClient;
  private enrollment?: EnrollmentClient;
  private stream?: Stream;
  private sequence = 0;

  constructor(private readonly options: SessionOptions) {}

  get connected(): boolean {
    return this.stream !== undefined;
  }

  /** The client of the session in force, on which relays are opened. */
  get gatewayClient(): AgentGatewayClient | undefined {
    return this.gateway;
  }

  get enrollmentClient(): EnrollmentClient | undefined {
    return this.enrollment;
  }

  /** Messages with the same key replace each other while they wait; without a key all are sent. */
  send(message: AgentMessage, key = `#${(this.sequence += 1)}`): void {
    this.outbox.put(key, message);
    this.flush();
  }

  /** Keeps a session until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 250, maxMs: 10_000, jitter: 0.5 });
    for (let turn = 0; !signal.aborted; turn += 1) {
      const server = this.options.servers[turn % this.options.servers.length]!;
      const startedMs = Date.now();
      const error = await this.serve(server, signal);
      if (signal.aborted) return;
      if (Date.now() - startedMs > steadyAfterMs) backoff.reset();
      this.report(server, error);
      await delay(systemClock, backoff.next(), signal).catch(() => undefined);
    }
  }

  private report(server: string, error: ServiceError | undefined): void {
    const why = error ? `${status[error.code]}: ${error.details}` : 'ended by the control plane';
    this.options.logger.warn({ server, why }, 'session ended; connecting again');
  }

  /** One connection from Hello to its end; resolves with the error that ended it, if any. */
  private async serve(server: string, signal: AbortSignal): Promise<ServiceError | undefined> {
    const { keyPem, certificatePem, caPem } = this.options.identity();
    const [ca, key, certificate] = [caPem, keyPem, certificatePem].map((pem) => Buffer.from(pem));
    const channelCredentials = credentials.createSsl(ca, key, certificate);
    this.gateway = new this.protocol.AgentGateway(server, channelCredentials, keepaliveOptions);
    this.enrollment = new this.protocol.Enrollment(server, channelCredentials, keepaliveOptions);
    const stream = this.gateway.session();
    const stop = () => stream.cancel();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await this.converse(stream);
    } finally {
      signal.removeEventListener('abort', stop);
      this.stream = undefined;
      this.options.peer.disconnected();
      this.gateway.close();
      this.enrollment.close();
      this.gateway = this.enrollment = undefined;
    }
  }

  private converse(stream: Stream): Promise<ServiceError | undefined> {
    return new Promise((resolve) => {
      stream.on('data', (message: ControlMessage__Output) => {
        // Only the control plane's answer shows that Hello was accepted.
        if (message.registered && !this.stream) {
          this.stream = stream;
          this.options.logger.info({}, 'session established');
        }
        this.options.peer.receive(message);
        this.flush();
      });
      stream.on('drain', () => this.flush());
      stream.on('error', (error: ServiceError) => resolve(error));
      stream.on('end', () => resolve(undefined));
      this.outbox.reset();
      stream.write({ hello: this.options.peer.hello() });
    });
  }

  private flush(): void {
    while (this.stream && !this.stream.writableNeedDrain) {
      const message = this.outbox.take();
      if (!message) return;
      this.stream.write(message);
    }
  }
}
