// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Certificate {
  'certificatePem'?: (string);
  /**
   * The cluster's CA certificates, to be trusted from now on.
   */
  'caPem'?: (string);
  'notAfterUnixSeconds'?: (number | string | Long);
}

export interface Certificate__Output {
  'certificatePem': (string);
  /**
   * The cluster's CA certificates, to be trusted from now on.
   */
  'caPem': (string);
  'notAfterUnixSeconds': (number);
}
