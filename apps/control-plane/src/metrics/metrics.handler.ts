import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Registry } from 'prom-client';
import { Authenticator } from '../auth/authenticator.js';
import { MetricSources } from './metrics.js';

const loopback = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/**
 * Metrics in Prometheus' text format; from other machines only for those who may read everything.
 */
@Controller()
export class MetricsHandler {
  constructor(
    private readonly registry: Registry,
    private readonly beside: MetricSources,
    private readonly authenticator: Authenticator,
  ) {}

  @Get('metrics')
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (!loopback.has(request.ip)) {
      const user = await this.authenticator.authenticate(request.raw);
      await this.authenticator.authorize(user, { verb: 'get', path: '/metrics' });
    }
    const text = (await this.registry.metrics()) + (await this.beside.text());
    await reply.type(this.registry.contentType).send(text);
  }
}
