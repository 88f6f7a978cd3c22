import { join } from 'node:path';
import { Backoff, delay, describeError, systemClock, type Logger } from '@gantry/base';
import type { EnrollmentClient } from '@gantry/agent-protocol';
import type { AgentConfig } from '../config.js';
import { join as joinCluster, RefusedError, renew } from './enrollment.js';
import { identityFault, IdentityStore, renewalTime, type Identity } from './identity.js';
import { PinMismatchError } from './pinned-ca.js';

/** How often it is looked whether the certificate is due, in milliseconds. */
const renewalCheckMs = 60_000;

/** This node's certificate: joins when there is none, renews it while running. */
export class IdentityKeeper {
  private readonly store: IdentityStore;
  private identity?: Identity;

  constructor(
    private readonly config: AgentConfig,
    private readonly logger: Logger,
  ) {
    this.store = new IdentityStore(join(config.dataDir, 'identity'));
  }

  get current(): Identity {
    return this.identity!;
  }

  /** The identity on disk, or a new one by the join token; keeps trying while no server answers. */
  async obtain(signal: AbortSignal): Promise<void> {
    const stored = await this.store.load();
    const fault = stored && identityFault(stored, this.config.nodeName, Date.now());
    if (stored && !fault) {
      this.identity = stored;
      return;
    }
    const { token, caHash } = this.config;
    if (!token || !caHash) {
      const why = fault ?? 'this host has not joined a cluster';
      throw new RefusedError(`${why}; start with --token and --ca-hash to join`);
    }
    this.identity = await this.join(token, caHash, signal);
    await this.store.save(this.identity);
    this.logger.info({ node: this.config.nodeName }, 'joined the cluster');
  }

  /** Renews when two thirds of the certificate's life have passed; the next session uses the new one. */
  async keepFresh(
    client: () => EnrollmentClient | undefined,
    signal: AbortSignal,
    checkMs = renewalCheckMs,
  ): Promise<void> {
    while (!signal.aborted) {
      await delay(systemClock, checkMs, signal).catch(() => undefined);
      const enrollment = client();
      if (signal.aborted || !enrollment || Date.now() < renewalTime(this.current)) continue;
      try {
        const renewed = await renew(enrollment, this.config.nodeName);
        await this.store.save(renewed);
        this.identity = renewed;
        this.logger.info({}, 'renewed the certificate');
      } catch (error) {
        this.logger.warn(
          { err: describeError(error) },
          'could not renew the certificate; trying again',
        );
      }
    }
  }

  private async join(token: string, caHash: string, signal: AbortSignal): Promise<Identity> {
    const backoff = new Backoff({ baseMs: 500, maxMs: 15_000, jitter: 0.5 });
    const { servers, nodeName } = this.config;
    for (let turn = 0; ; turn += 1) {
      const server = servers[turn % servers.length]!;
      try {
        return await joinCluster({ server, caHash, token, nodeName });
      } catch (error) {
        if (error instanceof RefusedError || error instanceof PinMismatchError) throw error;
        this.logger.warn({ server, err: describeError(error) }, 'could not join yet; trying again');
      }
      await delay(systemClock, backoff.next(), signal);
    }
  }
}
