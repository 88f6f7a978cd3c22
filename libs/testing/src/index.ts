export * from './etcd.js';
export * from './free-port.js';
export * from './tcp-proxy.js';
export * from './tools.js';
