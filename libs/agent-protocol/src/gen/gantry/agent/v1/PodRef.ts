// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface PodRef {
  'uid'?: (string);
  'namespace'?: (string);
  'name'?: (string);
  /**
   * metadata.generation that the agent has obeyed.
   */
  'generation'?: (number | string | Long);
}

export interface PodRef__Output {
  'uid': (string);
  'namespace': (string);
  'name': (string);
  /**
   * metadata.generation that the agent has obeyed.
   */
  'generation': (number);
}
