import { ImageError } from '../errors.js';
import type { RegistryAuth } from '../types.js';
import { type Challenge, parseChallenges } from './challenge.js';
import type { Endpoint } from './endpoint.js';
import { isLoopback } from './endpoint.js';
import { readBody, type Transport } from './transport.js';

interface Token {
  readonly value: string;
  readonly expiresAtMs: number;
}

/** What tokens live when their server does not say, and how long before their end they are renewed. */
const defaultLifeSeconds = 60;
const renewalMarginMs = 10_000;
const maxCachedTokens = 1000;

export type Action = 'pull' | 'pull,push';

/** What a request wants to do, and as whom. */
export interface Access {
  readonly endpoint: Endpoint;
  readonly repository: string;
  readonly action: Action;
  readonly auth?: RegistryAuth;
  readonly signal?: AbortSignal;
}

/** Answers registries' challenges and remembers the outcome per endpoint, repository, action and user. */
export class Authenticator {
  private readonly headers = new Map<string, Token>();

  constructor(
    private readonly transport: Transport,
    private readonly now: () => number = Date.now,
  ) {}

  /** The Authorization header that worked last, if it still holds. */
  cached(access: Access): string | undefined {
    const token = this.headers.get(keyOf(access));
    return token && token.expiresAtMs > this.now() ? token.value : undefined;
  }

  /** A header for the challenge; throws ImageError `unauthorized` when there is no way to answer it. */
  async answer(access: Access, wwwAuthenticate: string): Promise<string> {
    this.headers.delete(keyOf(access));
    const challenges = parseChallenges(wwwAuthenticate);
    const bearer = challenges.find((c) => c.scheme === 'bearer');
    const basic = challenges.find((c) => c.scheme === 'basic');
    const token = bearer ? await this.bearer(access, bearer) : basicToken(access, basic);
    if (this.headers.size >= maxCachedTokens) this.headers.clear();
    this.headers.set(keyOf(access), token);
    return token.value;
  }

  private async bearer(access: Access, challenge: Challenge): Promise<Token> {
    if (access.auth?.registryToken) {
      return { value: `Bearer ${access.auth.registryToken}`, expiresAtMs: Infinity };
    }
    const url = realmOf(access, challenge);
    const scope =
      challenge.parameters['scope'] ?? `repository:${access.repository}:${access.action}`;
    const service = challenge.parameters['service'];
    const response = access.auth?.identityToken
      ? await this.exchange(access, url, scope, service)
      : await this.fetchToken(access, url, scope, service);
    if (response.statusCode !== 200) {
      response.resume();
      throw denied(access, `its token server answered ${response.statusCode}`);
    }
    return this.parseToken(access, await readBody(response));
  }

  private fetchToken(access: Access, url: URL, scope: string, service?: string) {
    if (service) url.searchParams.set('service', service);
    for (const one of scope.split(' ')) url.searchParams.append('scope', one);
    const header = basicHeader(access.auth);
    const headers: Record<string, string> = header ? { authorization: header } : {};
    return this.transport.send({
      method: 'GET',
      url,
      headers,
      ca: access.endpoint.ca,
      signal: access.signal,
    });
  }

  private exchange(access: Access, url: URL, scope: string, service?: string) {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: access.auth?.identityToken ?? '',
      client_id: 'gantry',
      scope,
      ...(service && { service }),
    });
    return this.transport.send({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
      ca: access.endpoint.ca,
      signal: access.signal,
    });
  }

  private parseToken(access: Access, body: Buffer): Token {
    let parsed: { token?: unknown; access_token?: unknown; expires_in?: unknown };
    try {
      parsed = JSON.parse(body.toString('utf8'));
    } catch (cause) {
      throw denied(access, 'its token server sent no JSON', cause);
    }
    const token = parsed.token ?? parsed.access_token;
    if (typeof token !== 'string') throw denied(access, 'its token server sent no token');
    const seconds = typeof parsed.expires_in === 'number' ? parsed.expires_in : defaultLifeSeconds;
    const expiresAtMs = this.now() + Math.max(0, seconds * 1000 - renewalMarginMs);
    return { value: `Bearer ${token}`, expiresAtMs };
  }
}

function keyOf({ endpoint, repository, action, auth }: Access): string {
  const who = auth ? [auth.username, auth.password, auth.identityToken, auth.registryToken] : [];
  return JSON.stringify([endpoint.scheme, endpoint.host, repository, action, who]);
}

function basicHeader(auth: RegistryAuth | undefined): string | undefined {
  if (auth?.username === undefined || auth.password === undefined) return undefined;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

function basicToken(access: Access, challenge: Challenge | undefined): Token {
  const header = challenge && basicHeader(access.auth);
  if (header) return { value: header, expiresAtMs: Infinity };
  throw denied(
    access,
    challenge ? 'it wants a user and a password' : 'its challenge is not understood',
  );
}

/** Tokens carry credentials, so they are asked for in clear only where the registry itself is spoken to so. */
function realmOf(access: Access, challenge: Challenge): URL {
  const realm = challenge.parameters['realm'] ?? '';
  if (!URL.canParse(realm)) throw denied(access, 'it names no token server');
  const url = new URL(realm);
  const clear = url.protocol === 'http:';
  if (clear && access.endpoint.scheme !== 'http' && !isLoopback(url.host)) {
    throw denied(access, `its token server ${url.host} speaks plain http`);
  }
  if (!clear && url.protocol !== 'https:') throw denied(access, 'it names no token server');
  return url;
}

export function denied(access: Access, why: string, cause?: unknown): ImageError {
  const { endpoint, repository, auth } = access;
  const hint = auth
    ? `check the credentials for ${endpoint.authKey}`
    : `if ${repository} is private, add credentials for ${endpoint.authKey} (imagePullSecrets)`;
  const message = `${endpoint.host} refuses access to ${repository}: ${why}; ${hint}`;
  return new ImageError('unauthorized', message, { cause });
}
