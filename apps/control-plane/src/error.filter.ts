import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { describeError, GantryError, type Logger } from '@gantry/base';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { throwError, type Observable } from 'rxjs';

/**
 * Answers every error of an HTTP handler with a Status; gRPC handlers get theirs as a gRPC status.
 */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): Observable<never> | void {
    const known = toGantryError(error);
    if (known.reason === 'InternalError') {
      this.logger.error({ err: error }, `request failed: ${describeError(error)}`);
    }
    if (host.getType() === 'rpc') {
      return throwError(() => ({ code: known.grpcCode, message: known.message }));
    }
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    if (reply.sent || request.raw.destroyed) return;
    void reply.code(known.httpCode).send(statusOf(known));
  }
}

function toGantryError(error: unknown): GantryError {
  if (error instanceof GantryError) return error;
  if (error instanceof HttpException && error.getStatus() === 404) {
    return new GantryError('NotFound', 'the server could not find the requested resource');
  }
  if (error instanceof HttpException && error.getStatus() < 500) {
    return new GantryError('BadRequest', error.message, {}, { cause: error });
  }
  return new GantryError('InternalError', `internal error: ${describeError(error)}`);
}

function statusOf(error: GantryError): object {
  const { reason, message, details, httpCode: code } = error;
  const head = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' };
  return { ...head, message, reason, details, code };
}
