// Original file: proto/gantry/agent/v1/agent.proto

import type { PodRef as _gantry_agent_v1_PodRef, PodRef__Output as _gantry_agent_v1_PodRef__Output } from '../../../gantry/agent/v1/PodRef.js';

/**
 * The pod is no longer this node's: stop it and forget it.
 */
export interface Release {
  'pod'?: (_gantry_agent_v1_PodRef | null);
}

/**
 * The pod is no longer this node's: stop it and forget it.
 */
export interface Release__Output {
  'pod': (_gantry_agent_v1_PodRef__Output | null);
}
