// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Asks where to get a blob. A BlobSources answers, perhaps after others that only say what is waited for. Whoever
 * was told to ask the registry is waited for by the others until it reports.
 */
export interface BlobQuery {
  'id'?: (number | string | Long);
  'digest'?: (string);
}

/**
 * Asks where to get a blob. A BlobSources answers, perhaps after others that only say what is waited for. Whoever
 * was told to ask the registry is waited for by the others until it reports.
 */
export interface BlobQuery__Output {
  'id': (number);
  'digest': (string);
}
