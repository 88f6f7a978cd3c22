// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface ContainerMetrics {
  'name'?: (string);
  /**
   * Cumulative since the container started.
   */
  'cpuUsageNanos'?: (number | string | Long);
  'memoryWorkingSetBytes'?: (number | string | Long);
  'throttledNanos'?: (number | string | Long);
  'pids'?: (number);
}

export interface ContainerMetrics__Output {
  'name': (string);
  /**
   * Cumulative since the container started.
   */
  'cpuUsageNanos': (number);
  'memoryWorkingSetBytes': (number);
  'throttledNanos': (number);
  'pids': (number);
}
