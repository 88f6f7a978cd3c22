// Original file: proto/gantry/agent/v1/agent.proto

import type { Peer as _gantry_agent_v1_Peer, Peer__Output as _gantry_agent_v1_Peer__Output } from '../../../gantry/agent/v1/Peer.js';
import type { Long } from '@grpc/proto-loader';

export interface BlobSources {
  'id'?: (number | string | Long);
  /**
   * In the order in which they are to be asked; none: the registry.
   */
  'peers'?: (_gantry_agent_v1_Peer)[];
  /**
   * Set while the answer is still to come: the node that fetches the blob.
   */
  'waitingFor'?: (string);
}

export interface BlobSources__Output {
  'id': (number);
  /**
   * In the order in which they are to be asked; none: the registry.
   */
  'peers': (_gantry_agent_v1_Peer__Output)[];
  /**
   * Set while the answer is still to come: the node that fetches the blob.
   */
  'waitingFor': (string);
}
