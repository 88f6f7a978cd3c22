import type {
  Certificate,
  JoinRequest__Output,
  RenewRequest__Output,
} from '@gantry/agent-protocol';
import { describeError, type Logger } from '@gantry/base';
import { Controller, Inject } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { LOGGER } from '../tokens.js';
import { Enrollment } from './enrollment.js';
import { callingNode, type AuthenticatedCall } from './peer.js';

/** gantry.agent.v1.Enrollment: how a node gets its certificate and keeps it. */
@Controller()
export class EnrollmentHandler {
  constructor(
    @Inject(Enrollment) private readonly enrollment: Enrollment,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @GrpcMethod('Enrollment', 'join')
  join(request: JoinRequest__Output): Promise<Certificate> {
    return this.answer('join', request.nodeName, () => this.enrollment.join(request));
  }

  @GrpcMethod('Enrollment', 'renew')
  renew(
    request: RenewRequest__Output,
    _metadata: unknown,
    call: AuthenticatedCall,
  ): Promise<Certificate> {
    return this.answer('renew', '', () => this.enrollment.renew(callingNode(call), request));
  }

  private async answer(
    what: string,
    node: string,
    work: () => Promise<Certificate>,
  ): Promise<Certificate> {
    try {
      return await work();
    } catch (error) {
      this.logger.warn({ node, err: describeError(error) }, `${what} refused`);
      throw error;
    }
  }
}
