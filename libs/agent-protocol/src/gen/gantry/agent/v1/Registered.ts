// Original file: proto/gantry/agent/v1/agent.proto


/**
 * The answer to Hello: the Node object as stored (uid, spec.podCIDR, …); sent again when its spec changes.
 */
export interface Registered {
  'nodeJson'?: (Buffer | Uint8Array | string);
  /**
   * Heartbeats are due this often.
   */
  'heartbeatMillis'?: (number);
  'clusterCidr'?: (string);
}

/**
 * The answer to Hello: the Node object as stored (uid, spec.podCIDR, …); sent again when its spec changes.
 */
export interface Registered__Output {
  'nodeJson': (Buffer);
  /**
   * Heartbeats are due this often.
   */
  'heartbeatMillis': (number);
  'clusterCidr': (string);
}
