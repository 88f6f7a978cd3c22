// Original file: proto/gantry/agent/v1/agent.proto

import type { PodRef as _gantry_agent_v1_PodRef, PodRef__Output as _gantry_agent_v1_PodRef__Output } from '../../../gantry/agent/v1/PodRef.js';

/**
 * Nothing of this pod is left on the host: no process, mount, cgroup or address.
 */
export interface PodGone {
  'pod'?: (_gantry_agent_v1_PodRef | null);
}

/**
 * Nothing of this pod is left on the host: no process, mount, cgroup or address.
 */
export interface PodGone__Output {
  'pod': (_gantry_agent_v1_PodRef__Output | null);
}
