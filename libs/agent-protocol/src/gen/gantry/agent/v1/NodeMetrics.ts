// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface NodeMetrics {
  /**
   * Cumulative since the host booted.
   */
  'cpuUsageNanos'?: (number | string | Long);
  'memoryWorkingSetBytes'?: (number | string | Long);
  'diskAvailableBytes'?: (number | string | Long);
  'timestampUnixMillis'?: (number | string | Long);
}

export interface NodeMetrics__Output {
  /**
   * Cumulative since the host booted.
   */
  'cpuUsageNanos': (number);
  'memoryWorkingSetBytes': (number);
  'diskAvailableBytes': (number);
  'timestampUnixMillis': (number);
}
