// Original file: proto/gantry/agent/v1/agent.proto

import type { PodRef as _gantry_agent_v1_PodRef, PodRef__Output as _gantry_agent_v1_PodRef__Output } from '../../../gantry/agent/v1/PodRef.js';

export interface Hello {
  'agentVersion'?: (string);
  /**
   * The Node as the agent sees it (metadata.labels, status.capacity, allocatable, addresses, nodeInfo).
   */
  'nodeJson'?: (Buffer | Uint8Array | string);
  /**
   * Pods present on this host, obeyed up to these generations.
   */
  'pods'?: (_gantry_agent_v1_PodRef)[];
  'bootId'?: (string);
  /**
   * Where this node serves blobs to its peers (mTLS); 0: it does not.
   */
  'peerPort'?: (number);
}

export interface Hello__Output {
  'agentVersion': (string);
  /**
   * The Node as the agent sees it (metadata.labels, status.capacity, allocatable, addresses, nodeInfo).
   */
  'nodeJson': (Buffer);
  /**
   * Pods present on this host, obeyed up to these generations.
   */
  'pods': (_gantry_agent_v1_PodRef__Output)[];
  'bootId': (string);
  /**
   * Where this node serves blobs to its peers (mTLS); 0: it does not.
   */
  'peerPort': (number);
}
