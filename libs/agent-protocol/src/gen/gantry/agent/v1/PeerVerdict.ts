// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface PeerVerdict {
  'id'?: (number | string | Long);
  /**
   * Empty: it may.
   */
  'refusal'?: (string);
}

export interface PeerVerdict__Output {
  'id': (number);
  /**
   * Empty: it may.
   */
  'refusal': (string);
}
