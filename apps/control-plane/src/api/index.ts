/**
 * The REST API: Kubernetes' wire format over the registry of kinds. `Resources` holds the rules of
 * every read and write, whoever asks; `http/` speaks the wire; `watch/` lets any number of clients share
 * one store watch per kind; `subresources/` lets other modules add theirs (log, exec, why, metrics).
 * It refuses whatever it cannot decode strictly, and answers every error with a Status.
 */
export { Api, type ApiOptions } from './api.js';
export { ApiModule } from './api.module.js';
export type { Access, AccessAttributes } from './http/access.js';
export { connectionOf } from './http/connection.js';
export { isForwarded, PeerProxy, type PeerTls } from './http/peer-proxy.js';
export { TlsServer } from './http/tls-server.js';
export { foregroundFinalizer, orphanFinalizer } from './resources/deletion.js';
export type { CreateHook } from './resources/create-hooks.js';
export { takeAway, type Disruption } from './resources/disruptions.js';
export * from './resources/options.js';
export { Resources, type ResourcesDependencies } from './resources/resources.js';
export type { Change } from './resources/writer.js';
export { channel, ChannelSocket, type ChannelFrame } from './subresources/channel-socket.js';
export * from './subresources/registry.js';
export { WatchCaches } from './watch/watch-caches.js';
