// Original file: proto/gantry/agent/v1/agent.proto

import type { PodRef as _gantry_agent_v1_PodRef, PodRef__Output as _gantry_agent_v1_PodRef__Output } from '../../../gantry/agent/v1/PodRef.js';

/**
 * Run this pod (or stop it gracefully when its metadata.deletionTimestamp is set). An agent refuses a
 * generation older than it has obeyed.
 */
export interface Assign {
  'pod'?: (_gantry_agent_v1_PodRef | null);
  'podJson'?: (Buffer | Uint8Array | string);
}

/**
 * Run this pod (or stop it gracefully when its metadata.deletionTimestamp is set). An agent refuses a
 * generation older than it has obeyed.
 */
export interface Assign__Output {
  'pod': (_gantry_agent_v1_PodRef__Output | null);
  'podJson': (Buffer);
}
