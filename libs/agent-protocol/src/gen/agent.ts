import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentGatewayClient as _gantry_agent_v1_AgentGatewayClient, AgentGatewayDefinition as _gantry_agent_v1_AgentGatewayDefinition } from './gantry/agent/v1/AgentGateway.js';
import type { AgentMessage as _gantry_agent_v1_AgentMessage, AgentMessage__Output as _gantry_agent_v1_AgentMessage__Output } from './gantry/agent/v1/AgentMessage.js';
import type { Assign as _gantry_agent_v1_Assign, Assign__Output as _gantry_agent_v1_Assign__Output } from './gantry/agent/v1/Assign.js';
import type { AttachRequest as _gantry_agent_v1_AttachRequest, AttachRequest__Output as _gantry_agent_v1_AttachRequest__Output } from './gantry/agent/v1/AttachRequest.js';
import type { BlobQuery as _gantry_agent_v1_BlobQuery, BlobQuery__Output as _gantry_agent_v1_BlobQuery__Output } from './gantry/agent/v1/BlobQuery.js';
import type { BlobReport as _gantry_agent_v1_BlobReport, BlobReport__Output as _gantry_agent_v1_BlobReport__Output } from './gantry/agent/v1/BlobReport.js';
import type { BlobSources as _gantry_agent_v1_BlobSources, BlobSources__Output as _gantry_agent_v1_BlobSources__Output } from './gantry/agent/v1/BlobSources.js';
import type { CancelStream as _gantry_agent_v1_CancelStream, CancelStream__Output as _gantry_agent_v1_CancelStream__Output } from './gantry/agent/v1/CancelStream.js';
import type { Certificate as _gantry_agent_v1_Certificate, Certificate__Output as _gantry_agent_v1_Certificate__Output } from './gantry/agent/v1/Certificate.js';
import type { ContainerMetrics as _gantry_agent_v1_ContainerMetrics, ContainerMetrics__Output as _gantry_agent_v1_ContainerMetrics__Output } from './gantry/agent/v1/ContainerMetrics.js';
import type { ControlMessage as _gantry_agent_v1_ControlMessage, ControlMessage__Output as _gantry_agent_v1_ControlMessage__Output } from './gantry/agent/v1/ControlMessage.js';
import type { EnrollmentClient as _gantry_agent_v1_EnrollmentClient, EnrollmentDefinition as _gantry_agent_v1_EnrollmentDefinition } from './gantry/agent/v1/Enrollment.js';
import type { Event as _gantry_agent_v1_Event, Event__Output as _gantry_agent_v1_Event__Output } from './gantry/agent/v1/Event.js';
import type { ExecRequest as _gantry_agent_v1_ExecRequest, ExecRequest__Output as _gantry_agent_v1_ExecRequest__Output } from './gantry/agent/v1/ExecRequest.js';
import type { Frame as _gantry_agent_v1_Frame, Frame__Output as _gantry_agent_v1_Frame__Output } from './gantry/agent/v1/Frame.js';
import type { Heartbeat as _gantry_agent_v1_Heartbeat, Heartbeat__Output as _gantry_agent_v1_Heartbeat__Output } from './gantry/agent/v1/Heartbeat.js';
import type { Hello as _gantry_agent_v1_Hello, Hello__Output as _gantry_agent_v1_Hello__Output } from './gantry/agent/v1/Hello.js';
import type { ImageRequest as _gantry_agent_v1_ImageRequest, ImageRequest__Output as _gantry_agent_v1_ImageRequest__Output } from './gantry/agent/v1/ImageRequest.js';
import type { JoinRequest as _gantry_agent_v1_JoinRequest, JoinRequest__Output as _gantry_agent_v1_JoinRequest__Output } from './gantry/agent/v1/JoinRequest.js';
import type { LogRequest as _gantry_agent_v1_LogRequest, LogRequest__Output as _gantry_agent_v1_LogRequest__Output } from './gantry/agent/v1/LogRequest.js';
import type { NodeMetrics as _gantry_agent_v1_NodeMetrics, NodeMetrics__Output as _gantry_agent_v1_NodeMetrics__Output } from './gantry/agent/v1/NodeMetrics.js';
import type { NodeStatus as _gantry_agent_v1_NodeStatus, NodeStatus__Output as _gantry_agent_v1_NodeStatus__Output } from './gantry/agent/v1/NodeStatus.js';
import type { OpenStream as _gantry_agent_v1_OpenStream, OpenStream__Output as _gantry_agent_v1_OpenStream__Output } from './gantry/agent/v1/OpenStream.js';
import type { Peer as _gantry_agent_v1_Peer, Peer__Output as _gantry_agent_v1_Peer__Output } from './gantry/agent/v1/Peer.js';
import type { PeerCheck as _gantry_agent_v1_PeerCheck, PeerCheck__Output as _gantry_agent_v1_PeerCheck__Output } from './gantry/agent/v1/PeerCheck.js';
import type { PeerVerdict as _gantry_agent_v1_PeerVerdict, PeerVerdict__Output as _gantry_agent_v1_PeerVerdict__Output } from './gantry/agent/v1/PeerVerdict.js';
import type { PodGone as _gantry_agent_v1_PodGone, PodGone__Output as _gantry_agent_v1_PodGone__Output } from './gantry/agent/v1/PodGone.js';
import type { PodMetrics as _gantry_agent_v1_PodMetrics, PodMetrics__Output as _gantry_agent_v1_PodMetrics__Output } from './gantry/agent/v1/PodMetrics.js';
import type { PodRef as _gantry_agent_v1_PodRef, PodRef__Output as _gantry_agent_v1_PodRef__Output } from './gantry/agent/v1/PodRef.js';
import type { PodStatus as _gantry_agent_v1_PodStatus, PodStatus__Output as _gantry_agent_v1_PodStatus__Output } from './gantry/agent/v1/PodStatus.js';
import type { Registered as _gantry_agent_v1_Registered, Registered__Output as _gantry_agent_v1_Registered__Output } from './gantry/agent/v1/Registered.js';
import type { Release as _gantry_agent_v1_Release, Release__Output as _gantry_agent_v1_Release__Output } from './gantry/agent/v1/Release.js';
import type { RenewRequest as _gantry_agent_v1_RenewRequest, RenewRequest__Output as _gantry_agent_v1_RenewRequest__Output } from './gantry/agent/v1/RenewRequest.js';
import type { Resource as _gantry_agent_v1_Resource, Resource__Output as _gantry_agent_v1_Resource__Output } from './gantry/agent/v1/Resource.js';
import type { Route as _gantry_agent_v1_Route, Route__Output as _gantry_agent_v1_Route__Output } from './gantry/agent/v1/Route.js';
import type { Routes as _gantry_agent_v1_Routes, Routes__Output as _gantry_agent_v1_Routes__Output } from './gantry/agent/v1/Routes.js';
import type { Snapshot as _gantry_agent_v1_Snapshot, Snapshot__Output as _gantry_agent_v1_Snapshot__Output } from './gantry/agent/v1/Snapshot.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  gantry: {
    agent: {
      v1: {
        /**
         * Needs a client certificate whose CN is system:node:NAME; everything said counts for that node alone.
         */
        AgentGateway: SubtypeConstructor<typeof grpc.Client, _gantry_agent_v1_AgentGatewayClient> & { service: _gantry_agent_v1_AgentGatewayDefinition }
        AgentMessage: MessageTypeDefinition<_gantry_agent_v1_AgentMessage, _gantry_agent_v1_AgentMessage__Output>
        Assign: MessageTypeDefinition<_gantry_agent_v1_Assign, _gantry_agent_v1_Assign__Output>
        AttachRequest: MessageTypeDefinition<_gantry_agent_v1_AttachRequest, _gantry_agent_v1_AttachRequest__Output>
        BlobQuery: MessageTypeDefinition<_gantry_agent_v1_BlobQuery, _gantry_agent_v1_BlobQuery__Output>
        BlobReport: MessageTypeDefinition<_gantry_agent_v1_BlobReport, _gantry_agent_v1_BlobReport__Output>
        BlobSources: MessageTypeDefinition<_gantry_agent_v1_BlobSources, _gantry_agent_v1_BlobSources__Output>
        CancelStream: MessageTypeDefinition<_gantry_agent_v1_CancelStream, _gantry_agent_v1_CancelStream__Output>
        Certificate: MessageTypeDefinition<_gantry_agent_v1_Certificate, _gantry_agent_v1_Certificate__Output>
        ContainerMetrics: MessageTypeDefinition<_gantry_agent_v1_ContainerMetrics, _gantry_agent_v1_ContainerMetrics__Output>
        ControlMessage: MessageTypeDefinition<_gantry_agent_v1_ControlMessage, _gantry_agent_v1_ControlMessage__Output>
        /**
         * Served with TLS. Join is the one call that needs no client certificate: its token is its credential.
         */
        Enrollment: SubtypeConstructor<typeof grpc.Client, _gantry_agent_v1_EnrollmentClient> & { service: _gantry_agent_v1_EnrollmentDefinition }
        Event: MessageTypeDefinition<_gantry_agent_v1_Event, _gantry_agent_v1_Event__Output>
        ExecRequest: MessageTypeDefinition<_gantry_agent_v1_ExecRequest, _gantry_agent_v1_ExecRequest__Output>
        Frame: MessageTypeDefinition<_gantry_agent_v1_Frame, _gantry_agent_v1_Frame__Output>
        Heartbeat: MessageTypeDefinition<_gantry_agent_v1_Heartbeat, _gantry_agent_v1_Heartbeat__Output>
        Hello: MessageTypeDefinition<_gantry_agent_v1_Hello, _gantry_agent_v1_Hello__Output>
        ImageRequest: MessageTypeDefinition<_gantry_agent_v1_ImageRequest, _gantry_agent_v1_ImageRequest__Output>
        JoinRequest: MessageTypeDefinition<_gantry_agent_v1_JoinRequest, _gantry_agent_v1_JoinRequest__Output>
        LogRequest: MessageTypeDefinition<_gantry_agent_v1_LogRequest, _gantry_agent_v1_LogRequest__Output>
        NodeMetrics: MessageTypeDefinition<_gantry_agent_v1_NodeMetrics, _gantry_agent_v1_NodeMetrics__Output>
        NodeStatus: MessageTypeDefinition<_gantry_agent_v1_NodeStatus, _gantry_agent_v1_NodeStatus__Output>
        OpenStream: MessageTypeDefinition<_gantry_agent_v1_OpenStream, _gantry_agent_v1_OpenStream__Output>
        Peer: MessageTypeDefinition<_gantry_agent_v1_Peer, _gantry_agent_v1_Peer__Output>
        PeerCheck: MessageTypeDefinition<_gantry_agent_v1_PeerCheck, _gantry_agent_v1_PeerCheck__Output>
        PeerVerdict: MessageTypeDefinition<_gantry_agent_v1_PeerVerdict, _gantry_agent_v1_PeerVerdict__Output>
        PodGone: MessageTypeDefinition<_gantry_agent_v1_PodGone, _gantry_agent_v1_PodGone__Output>
        PodMetrics: MessageTypeDefinition<_gantry_agent_v1_PodMetrics, _gantry_agent_v1_PodMetrics__Output>
        PodRef: MessageTypeDefinition<_gantry_agent_v1_PodRef, _gantry_agent_v1_PodRef__Output>
        PodStatus: MessageTypeDefinition<_gantry_agent_v1_PodStatus, _gantry_agent_v1_PodStatus__Output>
        Registered: MessageTypeDefinition<_gantry_agent_v1_Registered, _gantry_agent_v1_Registered__Output>
        Release: MessageTypeDefinition<_gantry_agent_v1_Release, _gantry_agent_v1_Release__Output>
        RenewRequest: MessageTypeDefinition<_gantry_agent_v1_RenewRequest, _gantry_agent_v1_RenewRequest__Output>
        Resource: MessageTypeDefinition<_gantry_agent_v1_Resource, _gantry_agent_v1_Resource__Output>
        Route: MessageTypeDefinition<_gantry_agent_v1_Route, _gantry_agent_v1_Route__Output>
        Routes: MessageTypeDefinition<_gantry_agent_v1_Routes, _gantry_agent_v1_Routes__Output>
        Snapshot: MessageTypeDefinition<_gantry_agent_v1_Snapshot, _gantry_agent_v1_Snapshot__Output>
      }
    }
  }
}

