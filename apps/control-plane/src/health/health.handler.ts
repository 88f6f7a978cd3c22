import { Controller, Get, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Health } from './health.js';

/** The probes, open to everyone: they say what is wrong but nothing of the cluster. */
@Controller()
export class HealthHandler {
  constructor(private readonly health: Health) {}

  /** The process answers. */
  @Get('livez')
  async live(@Res() reply: FastifyReply): Promise<void> {
    await reply.type('text/plain').send('ok');
  }

  /** The process and what it needs are well enough to serve. */
  @Get(['readyz', 'healthz'])
  async ready(
    @Query('verbose') verbose: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { healthy, lines } = await this.health.report();
    const text = healthy && verbose === undefined ? 'ok' : `${lines.join('\n')}\n`;
    await reply
      .code(healthy ? 200 : 503)
      .type('text/plain')
      .send(text);
  }
}
