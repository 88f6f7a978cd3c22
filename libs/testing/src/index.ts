export * from './etcd.js';
export * from './free-port.js';
export * from './manual-clock.js';
export * from './images.js';
export * from './registry.js';
export * from './tar.js';
export * from './tcp-proxy.js';
export * from './tools.js';
