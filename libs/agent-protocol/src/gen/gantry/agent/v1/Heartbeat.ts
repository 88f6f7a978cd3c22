// Original file: proto/gantry/agent/v1/agent.proto

import type { NodeMetrics as _gantry_agent_v1_NodeMetrics, NodeMetrics__Output as _gantry_agent_v1_NodeMetrics__Output } from '../../../gantry/agent/v1/NodeMetrics.js';
import type { PodMetrics as _gantry_agent_v1_PodMetrics, PodMetrics__Output as _gantry_agent_v1_PodMetrics__Output } from '../../../gantry/agent/v1/PodMetrics.js';
import type { Long } from '@grpc/proto-loader';

/**
 * Every few seconds; never written to the store.
 */
export interface Heartbeat {
  'sequence'?: (number | string | Long);
  'node'?: (_gantry_agent_v1_NodeMetrics | null);
  'pods'?: (_gantry_agent_v1_PodMetrics)[];
}

/**
 * Every few seconds; never written to the store.
 */
export interface Heartbeat__Output {
  'sequence': (number);
  'node': (_gantry_agent_v1_NodeMetrics__Output | null);
  'pods': (_gantry_agent_v1_PodMetrics__Output)[];
}
