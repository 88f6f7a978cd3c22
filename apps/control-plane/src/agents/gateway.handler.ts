import { status } from '@grpc/grpc-js';
import { describeError, GantryError } from '@gantry/base';
import { Controller, Inject } from '@nestjs/common';
import { GrpcStreamCall } from '@nestjs/microservices';
import type { SessionCall } from './agent-session.js';
import { AgentSessions } from './agent-sessions.js';
import { callingNode, GrpcError } from './peer.js';
import { RelayBroker, type RelayCall } from './relay-broker.js';

function toGrpcError(error: unknown): GrpcError {
  const known = error instanceof GantryError;
  return new GrpcError(known ? error.grpcCode : status.INTERNAL, describeError(error));
}

/** gantry.agent.v1.AgentGateway. The raw calls are used: Nest's streams would hold nobody back. */
@Controller()
export class GatewayHandler {
  constructor(
    @Inject(AgentSessions) private readonly sessions: AgentSessions,
    @Inject(RelayBroker) private readonly relays: RelayBroker,
  ) {}

  @GrpcStreamCall('AgentGateway', 'session')
  session(call: SessionCall): void {
    this.withNode(call, (node) => this.sessions.serve(node, call));
  }

  @GrpcStreamCall('AgentGateway', 'relay')
  relay(call: RelayCall): void {
    this.withNode(call, (node) => this.relays.accept(node, call));
  }

  private withNode(call: SessionCall | RelayCall, serve: (node: string) => void): void {
    try {
      serve(callingNode(call));
    } catch (error) {
      call.emit('error', toGrpcError(error));
    }
  }
}
