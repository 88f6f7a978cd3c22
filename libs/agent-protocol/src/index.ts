/**
 * The contract between a node's agent and the control plane: what proto/gantry/agent/v1/agent.proto
 * generates, and how it is loaded. The proto file's comments are the contract; nothing else lives here.
 */
export * from './load.js';
export type { AgentMessage, AgentMessage__Output } from './gen/gantry/agent/v1/AgentMessage.js';
export type {
  AgentGatewayClient,
  AgentGatewayHandlers,
  AgentGatewayDefinition,
} from './gen/gantry/agent/v1/AgentGateway.js';
export type {
  EnrollmentClient,
  EnrollmentHandlers,
  EnrollmentDefinition,
} from './gen/gantry/agent/v1/Enrollment.js';
export type {
  ControlMessage,
  ControlMessage__Output,
} from './gen/gantry/agent/v1/ControlMessage.js';
export type { Frame, Frame__Output } from './gen/gantry/agent/v1/Frame.js';
export type { Hello, Hello__Output } from './gen/gantry/agent/v1/Hello.js';
export type { Heartbeat, Heartbeat__Output } from './gen/gantry/agent/v1/Heartbeat.js';
export type { NodeMetrics, NodeMetrics__Output } from './gen/gantry/agent/v1/NodeMetrics.js';
export type { PodMetrics, PodMetrics__Output } from './gen/gantry/agent/v1/PodMetrics.js';
export type {
  ContainerMetrics,
  ContainerMetrics__Output,
} from './gen/gantry/agent/v1/ContainerMetrics.js';
export type { PodRef, PodRef__Output } from './gen/gantry/agent/v1/PodRef.js';
export type { PodStatus, PodStatus__Output } from './gen/gantry/agent/v1/PodStatus.js';
export type { NodeStatus, NodeStatus__Output } from './gen/gantry/agent/v1/NodeStatus.js';
export type { Event, Event__Output } from './gen/gantry/agent/v1/Event.js';
export type { PodGone, PodGone__Output } from './gen/gantry/agent/v1/PodGone.js';
export type { Registered, Registered__Output } from './gen/gantry/agent/v1/Registered.js';
export type { Snapshot, Snapshot__Output } from './gen/gantry/agent/v1/Snapshot.js';
export type { Assign, Assign__Output } from './gen/gantry/agent/v1/Assign.js';
export type { Release, Release__Output } from './gen/gantry/agent/v1/Release.js';
export type { Resource, Resource__Output } from './gen/gantry/agent/v1/Resource.js';
export type { Routes, Routes__Output } from './gen/gantry/agent/v1/Routes.js';
export type { Route, Route__Output } from './gen/gantry/agent/v1/Route.js';
export type { OpenStream, OpenStream__Output } from './gen/gantry/agent/v1/OpenStream.js';
export type { CancelStream, CancelStream__Output } from './gen/gantry/agent/v1/CancelStream.js';
export type { LogRequest, LogRequest__Output } from './gen/gantry/agent/v1/LogRequest.js';
export type { ExecRequest, ExecRequest__Output } from './gen/gantry/agent/v1/ExecRequest.js';
export type { AttachRequest, AttachRequest__Output } from './gen/gantry/agent/v1/AttachRequest.js';
export type { JoinRequest, JoinRequest__Output } from './gen/gantry/agent/v1/JoinRequest.js';
export type { RenewRequest, RenewRequest__Output } from './gen/gantry/agent/v1/RenewRequest.js';
export type { Certificate, Certificate__Output } from './gen/gantry/agent/v1/Certificate.js';
export type { ImageRequest, ImageRequest__Output } from './gen/gantry/agent/v1/ImageRequest.js';
export type { BlobQuery, BlobQuery__Output } from './gen/gantry/agent/v1/BlobQuery.js';
export type { BlobReport, BlobReport__Output } from './gen/gantry/agent/v1/BlobReport.js';
export type { BlobSources, BlobSources__Output } from './gen/gantry/agent/v1/BlobSources.js';
export type { Peer, Peer__Output } from './gen/gantry/agent/v1/Peer.js';
export type { PeerCheck, PeerCheck__Output } from './gen/gantry/agent/v1/PeerCheck.js';
export type { PeerVerdict, PeerVerdict__Output } from './gen/gantry/agent/v1/PeerVerdict.js';
