// Original file: proto/gantry/agent/v1/agent.proto

import type { Resource as _gantry_agent_v1_Resource, Resource__Output as _gantry_agent_v1_Resource__Output } from '../../../gantry/agent/v1/Resource.js';
import type { Assign as _gantry_agent_v1_Assign, Assign__Output as _gantry_agent_v1_Assign__Output } from '../../../gantry/agent/v1/Assign.js';

/**
 * Everything assigned to this node: whatever else runs here is to be stopped. Resources that the pods
 * refer to come first. Large snapshots come in parts; the agent acts when the last one has arrived.
 */
export interface Snapshot {
  'resources'?: (_gantry_agent_v1_Resource)[];
  'pods'?: (_gantry_agent_v1_Assign)[];
  /**
   * Further parts follow.
   */
  'more'?: (boolean);
}

/**
 * Everything assigned to this node: whatever else runs here is to be stopped. Resources that the pods
 * refer to come first. Large snapshots come in parts; the agent acts when the last one has arrived.
 */
export interface Snapshot__Output {
  'resources': (_gantry_agent_v1_Resource__Output)[];
  'pods': (_gantry_agent_v1_Assign__Output)[];
  /**
   * Further parts follow.
   */
  'more': (boolean);
}
