import type { Server } from 'node:http';
import { Global, Inject, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { kinds } from '@gantry/api';
import type { Clock, Logger } from '@gantry/base';
import { ObjectStore } from '@gantry/controller';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { Authenticator } from '../auth/authenticator.js';
import { Pki } from '../auth/pki.js';
import * as tokens from '../tokens.js';
import { Api } from './api.js';
import { PeerProxy } from './http/peer-proxy.js';
import { Resources } from './resources/resources.js';
import { SubresourceRegistry } from './subresources/registry.js';
import { WatchCaches } from './watch/watch-caches.js';

const injected = [
  ObjectStore,
  WatchCaches,
  Authenticator,
  Pki,
  Registry,
  tokens.CLOCK,
  tokens.LOGGER,
] as const;

function createApi(
  objects: ObjectStore,
  caches: WatchCaches,
  access: Authenticator,
  pki: Pki,
  metrics: Registry,
  clock: Clock,
  logger: Logger,
  signal: AbortSignal,
): Api {
  const peerTls = () => {
    const { certificatePem: cert, keyPem: key } = pki.admin;
    return { ca: pki.caPem, cert, key };
  };
  return new Api({ objects, caches, kinds, access, peerTls, metrics, clock, logger, signal });
}

/** Puts the API on the app's server; `Resources`, `SubresourceRegistry` and `PeerProxy` can be injected anywhere. */
@Global()
@Module({
  providers: [
    { provide: Api, useFactory: createApi, inject: [...injected, tokens.SHUTDOWN] },
    { provide: Resources, useFactory: (api: Api) => api.resources, inject: [Api] },
    { provide: SubresourceRegistry, useFactory: (api: Api) => api.subresources, inject: [Api] },
    { provide: PeerProxy, useFactory: (api: Api) => api.peers, inject: [Api] },
  ],
  exports: [Resources, SubresourceRegistry, PeerProxy],
})
export class ApiModule implements OnModuleInit {
  constructor(
    @Inject(Api) private readonly api: Api,
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
  ) {}

  async onModuleInit(): Promise<void> {
    const { httpAdapter } = this.host;
    await this.api.install(httpAdapter.getInstance<FastifyInstance>());
    this.api.handleUpgrades(httpAdapter.getHttpServer() as Server);
  }
}
