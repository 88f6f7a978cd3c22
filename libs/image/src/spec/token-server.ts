import { createSign } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Certificate, selfSigned } from './certificates.js';

/** A token server as the distribution project specifies it: basic credentials in, signed tokens out. */
export class TokenServer {
  /** Query strings of the requests it granted. */
  readonly granted: string[] = [];
  readonly certificate: Certificate = selfSigned();
  private readonly server = http.createServer((request, response) =>
    this.handle(request, response),
  );

  constructor(
    private readonly user: { readonly username: string; readonly password: string },
    private readonly lifeSeconds: number,
  ) {}

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
  }

  get realm(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/token`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
  }

  private handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? '/', this.realm);
    const { username, password } = this.user;
    const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const isKnown = request.headers.authorization === expected;
    const scope = url.searchParams.get('scope') ?? '';
    // Anybody may pull what is public.
    if (!isKnown && !scope.startsWith('repository:public/')) {
      response.writeHead(401).end();
      return;
    }
    this.granted.push(url.search);
    const token = this.sign(scope, isKnown ? ['pull', 'push'] : ['pull']);
    response.end(JSON.stringify({ token, expires_in: this.lifeSeconds }));
  }

  private sign(scope: string, actions: string[]): string {
    const [type, name] = scope.split(':');
    const now = Math.floor(Date.now() / 1000);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const head = part({ typ: 'JWT', alg: 'ES256', x5c: [this.certificate.der] });
    const body = part({
      iss: 'gantry-test',
      aud: 'gantry-registry',
      iat: now,
      nbf: now - 10,
      exp: now + 300,
      jti: String(this.granted.length),
      access: [{ type, name, actions }],
    });
    const signer = createSign('sha256').update(`${head}.${body}`);
    const key = { key: this.certificate.key, dsaEncoding: 'ieee-p1363' } as const;
    return `${head}.${body}.${signer.sign(key).toString('base64url')}`;
  }
}
