// Original file: proto/gantry/agent/v1/agent.proto

import type { Route as _gantry_agent_v1_Route, Route__Output as _gantry_agent_v1_Route__Output } from '../../../gantry/agent/v1/Route.js';

/**
 * The pod networks of all other nodes, each time they change.
 */
export interface Routes {
  'routes'?: (_gantry_agent_v1_Route)[];
}

/**
 * The pod networks of all other nodes, each time they change.
 */
export interface Routes__Output {
  'routes': (_gantry_agent_v1_Route__Output)[];
}
