/**
 * The client of the API: kubeconfig, requests over mTLS with bounded retries, watches that resume,
 * and exec. Its nouns are the cluster (where and as whom), the resource type (any `Kind` is one) and
 * the change. It refuses credential plugins, and it never repeats a write that may have happened.
 */
export * from './api-client.js';
export * from './cluster.js';
export * from './discovery.js';
export * from './exec.js';
export * from './failure.js';
export * from './kubeconfig.js';
export * from './resource.js';
export * from './transport.js';
export * from './watch.js';
