// Original file: proto/gantry/agent/v1/agent.proto

import type { PodRef as _gantry_agent_v1_PodRef, PodRef__Output as _gantry_agent_v1_PodRef__Output } from '../../../gantry/agent/v1/PodRef.js';
import type { LogRequest as _gantry_agent_v1_LogRequest, LogRequest__Output as _gantry_agent_v1_LogRequest__Output } from '../../../gantry/agent/v1/LogRequest.js';
import type { ExecRequest as _gantry_agent_v1_ExecRequest, ExecRequest__Output as _gantry_agent_v1_ExecRequest__Output } from '../../../gantry/agent/v1/ExecRequest.js';
import type { AttachRequest as _gantry_agent_v1_AttachRequest, AttachRequest__Output as _gantry_agent_v1_AttachRequest__Output } from '../../../gantry/agent/v1/AttachRequest.js';
import type { ImageRequest as _gantry_agent_v1_ImageRequest, ImageRequest__Output as _gantry_agent_v1_ImageRequest__Output } from '../../../gantry/agent/v1/ImageRequest.js';

/**
 * The agent answers by opening a Relay. When it cannot serve the request it still opens it and sends a
 * metav1.Status with the reason on channel 3. Logs go to channel 1. An image request's archive or
 * credentials come on channel 0, its result (an archive or one JSON document) goes to channel 1, and what it is
 * doing goes to channel 2, one JSON document per frame.
 */
export interface OpenStream {
  'streamId'?: (string);
  'pod'?: (_gantry_agent_v1_PodRef | null);
  'container'?: (string);
  'log'?: (_gantry_agent_v1_LogRequest | null);
  'exec'?: (_gantry_agent_v1_ExecRequest | null);
  'attach'?: (_gantry_agent_v1_AttachRequest | null);
  'image'?: (_gantry_agent_v1_ImageRequest | null);
  'request'?: "log"|"exec"|"attach"|"image";
}

/**
 * The agent answers by opening a Relay. When it cannot serve the request it still opens it and sends a
 * metav1.Status with the reason on channel 3. Logs go to channel 1. An image request's archive or
 * credentials come on channel 0, its result (an archive or one JSON document) goes to channel 1, and what it is
 * doing goes to channel 2, one JSON document per frame.
 */
export interface OpenStream__Output {
  'streamId': (string);
  'pod': (_gantry_agent_v1_PodRef__Output | null);
  'container': (string);
  'log'?: (_gantry_agent_v1_LogRequest__Output | null);
  'exec'?: (_gantry_agent_v1_ExecRequest__Output | null);
  'attach'?: (_gantry_agent_v1_AttachRequest__Output | null);
  'image'?: (_gantry_agent_v1_ImageRequest__Output | null);
  'request'?: "log"|"exec"|"attach"|"image";
}
