// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface LogRequest {
  'follow'?: (boolean);
  'previous'?: (boolean);
  'timestamps'?: (boolean);
  /**
   * The last so many lines; -1: all.
   */
  'tailLines'?: (number | string | Long);
  /**
   * 0: from the beginning.
   */
  'sinceUnixMillis'?: (number | string | Long);
  /**
   * 0: no limit.
   */
  'limitBytes'?: (number | string | Long);
}

export interface LogRequest__Output {
  'follow': (boolean);
  'previous': (boolean);
  'timestamps': (boolean);
  /**
   * The last so many lines; -1: all.
   */
  'tailLines': (number);
  /**
   * 0: from the beginning.
   */
  'sinceUnixMillis': (number);
  /**
   * 0: no limit.
   */
  'limitBytes': (number);
}
