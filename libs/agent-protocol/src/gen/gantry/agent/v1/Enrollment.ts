// Original file: proto/gantry/agent/v1/agent.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Certificate as _gantry_agent_v1_Certificate, Certificate__Output as _gantry_agent_v1_Certificate__Output } from '../../../gantry/agent/v1/Certificate.js';
import type { JoinRequest as _gantry_agent_v1_JoinRequest, JoinRequest__Output as _gantry_agent_v1_JoinRequest__Output } from '../../../gantry/agent/v1/JoinRequest.js';
import type { RenewRequest as _gantry_agent_v1_RenewRequest, RenewRequest__Output as _gantry_agent_v1_RenewRequest__Output } from '../../../gantry/agent/v1/RenewRequest.js';

/**
 * Served with TLS. Join is the one call that needs no client certificate: its token is its credential.
 */
export interface EnrollmentClient extends grpc.Client {
  /**
   * Trades a join token and a certificate request (PEM, CN system:node:NAME) for a client certificate.
   * UNAUTHENTICATED: token wrong, expired or used up. ALREADY_EXISTS: the name is held by a live node.
   */
  Join(argument: _gantry_agent_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _gantry_agent_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _gantry_agent_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  Join(argument: _gantry_agent_v1_JoinRequest, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  /**
   * Trades a join token and a certificate request (PEM, CN system:node:NAME) for a client certificate.
   * UNAUTHENTICATED: token wrong, expired or used up. ALREADY_EXISTS: the name is held by a live node.
   */
  join(argument: _gantry_agent_v1_JoinRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  join(argument: _gantry_agent_v1_JoinRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  join(argument: _gantry_agent_v1_JoinRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  join(argument: _gantry_agent_v1_JoinRequest, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  
  /**
   * Renews under the certificate in force (mTLS); the name cannot change.
   */
  Renew(argument: _gantry_agent_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _gantry_agent_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _gantry_agent_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  Renew(argument: _gantry_agent_v1_RenewRequest, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  /**
   * Renews under the certificate in force (mTLS); the name cannot change.
   */
  renew(argument: _gantry_agent_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _gantry_agent_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _gantry_agent_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  renew(argument: _gantry_agent_v1_RenewRequest, callback: grpc.requestCallback<_gantry_agent_v1_Certificate__Output>): grpc.ClientUnaryCall;
  
}

/**
 * Served with TLS. Join is the one call that needs no client certificate: its token is its credential.
 */
export interface EnrollmentHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Trades a join token and a certificate request (PEM, CN system:node:NAME) for a client certificate.
   * UNAUTHENTICATED: token wrong, expired or used up. ALREADY_EXISTS: the name is held by a live node.
   */
  Join: grpc.handleUnaryCall<_gantry_agent_v1_JoinRequest__Output, _gantry_agent_v1_Certificate>;
  
  /**
   * Renews under the certificate in force (mTLS); the name cannot change.
   */
  Renew: grpc.handleUnaryCall<_gantry_agent_v1_RenewRequest__Output, _gantry_agent_v1_Certificate>;
  
}

export interface EnrollmentDefinition extends grpc.ServiceDefinition {
  Join: MethodDefinition<_gantry_agent_v1_JoinRequest, _gantry_agent_v1_Certificate, _gantry_agent_v1_JoinRequest__Output, _gantry_agent_v1_Certificate__Output>
  Renew: MethodDefinition<_gantry_agent_v1_RenewRequest, _gantry_agent_v1_Certificate, _gantry_agent_v1_RenewRequest__Output, _gantry_agent_v1_Certificate__Output>
}
