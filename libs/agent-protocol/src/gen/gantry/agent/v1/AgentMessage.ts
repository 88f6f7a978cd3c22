// Original file: proto/gantry/agent/v1/agent.proto

import type { Hello as _gantry_agent_v1_Hello, Hello__Output as _gantry_agent_v1_Hello__Output } from '../../../gantry/agent/v1/Hello.js';
import type { Heartbeat as _gantry_agent_v1_Heartbeat, Heartbeat__Output as _gantry_agent_v1_Heartbeat__Output } from '../../../gantry/agent/v1/Heartbeat.js';
import type { PodStatus as _gantry_agent_v1_PodStatus, PodStatus__Output as _gantry_agent_v1_PodStatus__Output } from '../../../gantry/agent/v1/PodStatus.js';
import type { NodeStatus as _gantry_agent_v1_NodeStatus, NodeStatus__Output as _gantry_agent_v1_NodeStatus__Output } from '../../../gantry/agent/v1/NodeStatus.js';
import type { Event as _gantry_agent_v1_Event, Event__Output as _gantry_agent_v1_Event__Output } from '../../../gantry/agent/v1/Event.js';
import type { PodGone as _gantry_agent_v1_PodGone, PodGone__Output as _gantry_agent_v1_PodGone__Output } from '../../../gantry/agent/v1/PodGone.js';
import type { BlobQuery as _gantry_agent_v1_BlobQuery, BlobQuery__Output as _gantry_agent_v1_BlobQuery__Output } from '../../../gantry/agent/v1/BlobQuery.js';
import type { BlobReport as _gantry_agent_v1_BlobReport, BlobReport__Output as _gantry_agent_v1_BlobReport__Output } from '../../../gantry/agent/v1/BlobReport.js';
import type { PeerCheck as _gantry_agent_v1_PeerCheck, PeerCheck__Output as _gantry_agent_v1_PeerCheck__Output } from '../../../gantry/agent/v1/PeerCheck.js';

export interface AgentMessage {
  'hello'?: (_gantry_agent_v1_Hello | null);
  'heartbeat'?: (_gantry_agent_v1_Heartbeat | null);
  'podStatus'?: (_gantry_agent_v1_PodStatus | null);
  'nodeStatus'?: (_gantry_agent_v1_NodeStatus | null);
  'event'?: (_gantry_agent_v1_Event | null);
  'podGone'?: (_gantry_agent_v1_PodGone | null);
  'blobQuery'?: (_gantry_agent_v1_BlobQuery | null);
  'blobReport'?: (_gantry_agent_v1_BlobReport | null);
  'peerCheck'?: (_gantry_agent_v1_PeerCheck | null);
  'message'?: "hello"|"heartbeat"|"podStatus"|"nodeStatus"|"event"|"podGone"|"blobQuery"|"blobReport"|"peerCheck";
}

export interface AgentMessage__Output {
  'hello'?: (_gantry_agent_v1_Hello__Output | null);
  'heartbeat'?: (_gantry_agent_v1_Heartbeat__Output | null);
  'podStatus'?: (_gantry_agent_v1_PodStatus__Output | null);
  'nodeStatus'?: (_gantry_agent_v1_NodeStatus__Output | null);
  'event'?: (_gantry_agent_v1_Event__Output | null);
  'podGone'?: (_gantry_agent_v1_PodGone__Output | null);
  'blobQuery'?: (_gantry_agent_v1_BlobQuery__Output | null);
  'blobReport'?: (_gantry_agent_v1_BlobReport__Output | null);
  'peerCheck'?: (_gantry_agent_v1_PeerCheck__Output | null);
  'message'?: "hello"|"heartbeat"|"podStatus"|"nodeStatus"|"event"|"podGone"|"blobQuery"|"blobReport"|"peerCheck";
}
