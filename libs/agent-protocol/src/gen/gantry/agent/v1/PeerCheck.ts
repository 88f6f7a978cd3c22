// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

/**
 * May that node have the blobs of this image? Asked by the one that has them.
 */
export interface PeerCheck {
  'id'?: (number | string | Long);
  'nodeName'?: (string);
  /**
   * registry/repository[:tag][@digest], in full.
   */
  'image'?: (string);
}

/**
 * May that node have the blobs of this image? Asked by the one that has them.
 */
export interface PeerCheck__Output {
  'id': (number);
  'nodeName': (string);
  /**
   * registry/repository[:tag][@digest], in full.
   */
  'image': (string);
}
