/**
 * The only truth of a cluster, behind one interface: `Store` (compare-and-set transactions, ranges
 * paged at one revision, watches from a revision, leases). `EtcdStore` is the real thing,
 * `EmbeddedStore` the same on one machine in a SQLite file, or in memory for simulations; one
 * conformance suite holds for both. `LeaderElection` elects on a lease and fences writes. It knows
 * keys and bytes only, no object kinds, and retries no write whose fate is unknown.
 */
export { changeKey, changeRevision, oneByOne, type Change } from './change.js';
export { EmbeddedStore, type EmbeddedStoreOptions } from './embedded/embedded-store.js';
export { EtcdStore, type EtcdStoreOptions } from './etcd/etcd-store.js';
export { LeaderElection, type Leadership, type LeaderElectionOptions } from './leader-election.js';
export { openStore, parseStoreLocation, type StoreLocation } from './location.js';
export { maxOperations, maxRequestBytes } from './request-limits.js';
export * from './store.js';
