/**
 * What a node does with containers, without knowing a Pod: OCI bundles, sandboxes (pinned
 * namespaces), containers under a monitor, exec and attach sessions, exit records, CNI calls and
 * cgroup statistics. Everything privileged goes through the launcher's socket (`gantry-monitor
 * serve`); this process never spawns per container. It refuses answers that are not of the
 * contract's shape rather than passing them on.
 */
export * from './bundle.js';
export * from './cgroup-stats.js';
export * from './cni.js';
export * from './default-spec.js';
export * from './exec-session.js';
export { Channel } from './frames.js';
export * from './messages.js';
export * from './oci-spec.js';
export * from './options.js';
export * from './runtime-client.js';
