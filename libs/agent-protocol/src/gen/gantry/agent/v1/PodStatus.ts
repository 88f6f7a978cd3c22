// Original file: proto/gantry/agent/v1/agent.proto

import type { PodRef as _gantry_agent_v1_PodRef, PodRef__Output as _gantry_agent_v1_PodRef__Output } from '../../../gantry/agent/v1/PodRef.js';

/**
 * The observed status of a pod: the whole of it, each time it changes.
 */
export interface PodStatus {
  'pod'?: (_gantry_agent_v1_PodRef | null);
  'statusJson'?: (Buffer | Uint8Array | string);
}

/**
 * The observed status of a pod: the whole of it, each time it changes.
 */
export interface PodStatus__Output {
  'pod': (_gantry_agent_v1_PodRef__Output | null);
  'statusJson': (Buffer);
}
