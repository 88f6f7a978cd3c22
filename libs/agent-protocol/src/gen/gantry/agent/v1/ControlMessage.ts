// Original file: proto/gantry/agent/v1/agent.proto

import type { Snapshot as _gantry_agent_v1_Snapshot, Snapshot__Output as _gantry_agent_v1_Snapshot__Output } from '../../../gantry/agent/v1/Snapshot.js';
import type { Assign as _gantry_agent_v1_Assign, Assign__Output as _gantry_agent_v1_Assign__Output } from '../../../gantry/agent/v1/Assign.js';
import type { Release as _gantry_agent_v1_Release, Release__Output as _gantry_agent_v1_Release__Output } from '../../../gantry/agent/v1/Release.js';
import type { Resource as _gantry_agent_v1_Resource, Resource__Output as _gantry_agent_v1_Resource__Output } from '../../../gantry/agent/v1/Resource.js';
import type { Routes as _gantry_agent_v1_Routes, Routes__Output as _gantry_agent_v1_Routes__Output } from '../../../gantry/agent/v1/Routes.js';
import type { OpenStream as _gantry_agent_v1_OpenStream, OpenStream__Output as _gantry_agent_v1_OpenStream__Output } from '../../../gantry/agent/v1/OpenStream.js';
import type { CancelStream as _gantry_agent_v1_CancelStream, CancelStream__Output as _gantry_agent_v1_CancelStream__Output } from '../../../gantry/agent/v1/CancelStream.js';
import type { Registered as _gantry_agent_v1_Registered, Registered__Output as _gantry_agent_v1_Registered__Output } from '../../../gantry/agent/v1/Registered.js';
import type { BlobSources as _gantry_agent_v1_BlobSources, BlobSources__Output as _gantry_agent_v1_BlobSources__Output } from '../../../gantry/agent/v1/BlobSources.js';
import type { PeerVerdict as _gantry_agent_v1_PeerVerdict, PeerVerdict__Output as _gantry_agent_v1_PeerVerdict__Output } from '../../../gantry/agent/v1/PeerVerdict.js';

export interface ControlMessage {
  'snapshot'?: (_gantry_agent_v1_Snapshot | null);
  'assign'?: (_gantry_agent_v1_Assign | null);
  'release'?: (_gantry_agent_v1_Release | null);
  'resource'?: (_gantry_agent_v1_Resource | null);
  'routes'?: (_gantry_agent_v1_Routes | null);
  'openStream'?: (_gantry_agent_v1_OpenStream | null);
  'cancelStream'?: (_gantry_agent_v1_CancelStream | null);
  'registered'?: (_gantry_agent_v1_Registered | null);
  'blobSources'?: (_gantry_agent_v1_BlobSources | null);
  'peerVerdict'?: (_gantry_agent_v1_PeerVerdict | null);
  'message'?: "snapshot"|"assign"|"release"|"resource"|"routes"|"openStream"|"cancelStream"|"registered"|"blobSources"|"peerVerdict";
}

export interface ControlMessage__Output {
  'snapshot'?: (_gantry_agent_v1_Snapshot__Output | null);
  'assign'?: (_gantry_agent_v1_Assign__Output | null);
  'release'?: (_gantry_agent_v1_Release__Output | null);
  'resource'?: (_gantry_agent_v1_Resource__Output | null);
  'routes'?: (_gantry_agent_v1_Routes__Output | null);
  'openStream'?: (_gantry_agent_v1_OpenStream__Output | null);
  'cancelStream'?: (_gantry_agent_v1_CancelStream__Output | null);
  'registered'?: (_gantry_agent_v1_Registered__Output | null);
  'blobSources'?: (_gantry_agent_v1_BlobSources__Output | null);
  'peerVerdict'?: (_gantry_agent_v1_PeerVerdict__Output | null);
  'message'?: "snapshot"|"assign"|"release"|"resource"|"routes"|"openStream"|"cancelStream"|"registered"|"blobSources"|"peerVerdict";
}
