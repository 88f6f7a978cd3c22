// Original file: proto/gantry/agent/v1/agent.proto

import type { ContainerMetrics as _gantry_agent_v1_ContainerMetrics, ContainerMetrics__Output as _gantry_agent_v1_ContainerMetrics__Output } from '../../../gantry/agent/v1/ContainerMetrics.js';

export interface PodMetrics {
  'uid'?: (string);
  'containers'?: (_gantry_agent_v1_ContainerMetrics)[];
}

export interface PodMetrics__Output {
  'uid': (string);
  'containers': (_gantry_agent_v1_ContainerMetrics__Output)[];
}
