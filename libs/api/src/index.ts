/**
 * The resource kinds that Gantry serves, one file each: the wire type as a declaration class, and a
 * `Kind` constant with names, columns, defaults and rules. Objects are plain JSON typed by the
 * classes. It refuses what Kubernetes refuses, and says so for what Gantry does not serve.
 */
export * from './apps/deployment.js';
export * from './apps/replica-set.js';
export * from './core/affinity.js';
export * from './core/conditions.js';
export * from './core/config-map.js';
export * from './core/container.js';
export * from './core/env.js';
export * from './core/event.js';
export * from './core/namespace.js';
export * from './core/overcommit.js';
export * from './core/node.js';
export * from './core/pod.js';
export * from './core/pod-spec.js';
export * from './core/pod-status.js';
export * from './core/probe.js';
export * from './core/references.js';
export * from './core/resources.js';
export * from './core/secret.js';
export * from './core/security-context.js';
export * from './core/volume.js';
export * from './core/columns.js';
export * from './core/node-columns.js';
export * from './core/pod-columns.js';
export * from './core/pod-defaults.js';
export * from './core/qos.js';
export * from './core/validate-resources.js';
export * from './events/event.js';
export * from './gantry/join-token.js';
export * from './gantry/rebalance.js';
export * from './kinds.js';
export * from './node/runtime-class.js';
export * from './policy/pod-disruption-budget.js';
export * from './scheduling/pod-group.js';
export * from './scheduling/priority-class.js';
export * from './storage/persistent-volume.js';
export { claimProtection, volumeProtection } from './storage/protection.js';
export * from './storage/persistent-volume-claim.js';
export * from './storage/storage-class.js';
export * from '@gantry/api-machinery';
