// Original file: proto/gantry/agent/v1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessage as _gantry_agent_v1_AgentMessage, AgentMessage__Output as _gantry_agent_v1_AgentMessage__Output } from '../../../gantry/agent/v1/AgentMessage.js';
import type { ControlMessage as _gantry_agent_v1_ControlMessage, ControlMessage__Output as _gantry_agent_v1_ControlMessage__Output } from '../../../gantry/agent/v1/ControlMessage.js';
import type { Frame as _gantry_agent_v1_Frame, Frame__Output as _gantry_agent_v1_Frame__Output } from '../../../gantry/agent/v1/Frame.js';

/**
 * Needs a client certificate whose CN is system:node:NAME; everything said counts for that node alone.
 */
export interface AgentGatewayClient extends grpc.Client {
  /**
   * One stream per log, exec or attach, opened by the agent when an OpenStream order asks for it.
   * The first frame the agent sends carries only stream_id.
   */
  Relay(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_Frame, _gantry_agent_v1_Frame__Output>;
  Relay(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_Frame, _gantry_agent_v1_Frame__Output>;
  /**
   * One stream per log, exec or attach, opened by the agent when an OpenStream order asks for it.
   * The first frame the agent sends carries only stream_id.
   */
  relay(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_Frame, _gantry_agent_v1_Frame__Output>;
  relay(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_Frame, _gantry_agent_v1_Frame__Output>;
  
  /**
   * One long stream per agent. The agent speaks first (Hello); the control plane answers with
   * Registered, a Snapshot and then increments. After the Snapshot the agent reports the status of
   * every pod it holds, so nothing that was said while the link was down is missed.
   * PERMISSION_DENIED: the certificate is another node's. A second stream of the same node ends the first.
   */
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_AgentMessage, _gantry_agent_v1_ControlMessage__Output>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_AgentMessage, _gantry_agent_v1_ControlMessage__Output>;
  /**
   * One long stream per agent. The agent speaks first (Hello); the control plane answers with
   * Registered, a Snapshot and then increments. After the Snapshot the agent reports the status of
   * every pod it holds, so nothing that was said while the link was down is missed.
   * PERMISSION_DENIED: the certificate is another node's. A second stream of the same node ends the first.
   */
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_AgentMessage, _gantry_agent_v1_ControlMessage__Output>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_gantry_agent_v1_AgentMessage, _gantry_agent_v1_ControlMessage__Output>;
  
}

/**
 * Needs a client certificate whose CN is system:node:NAME; everything said counts for that node alone.
 */
export interface AgentGatewayHandlers extends grpc.UntypedServiceImplementation {
  /**
   * One stream per log, exec or attach, opened by the agent when an OpenStream order asks for it.
   * The first frame the agent sends carries only stream_id.
   */
  Relay: grpc.handleBidiStreamingCall<_gantry_agent_v1_Frame__Output, _gantry_agent_v1_Frame>;
  
  /**
   * One long stream per agent. The agent speaks first (Hello); the control plane answers with
   * Registered, a Snapshot and then increments. After the Snapshot the agent reports the status of
   * every pod it holds, so nothing that was said while the link was down is missed.
   * PERMISSION_DENIED: the certificate is another node's. A second stream of the same node ends the first.
   */
  Session: grpc.handleBidiStreamingCall<_gantry_agent_v1_AgentMessage__Output, _gantry_agent_v1_ControlMessage>;
  
}

export interface AgentGatewayDefinition extends grpc.ServiceDefinition {
  Relay: MethodDefinition<_gantry_agent_v1_Frame, _gantry_agent_v1_Frame, _gantry_agent_v1_Frame__Output, _gantry_agent_v1_Frame__Output>
  Session: MethodDefinition<_gantry_agent_v1_AgentMessage, _gantry_agent_v1_ControlMessage, _gantry_agent_v1_AgentMessage__Output, _gantry_agent_v1_ControlMessage__Output>
}
