import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { GantryError, type Logger } from '@gantry/base';
import { type AccessAttributes, connectionOf, type UserInfo } from '../api/index.js';
import type { TokenFile } from './token-file.js';

/** Paths that anyone may read. */
const openPaths = new Set(['/healthz', '/livez', '/readyz', '/version']);

const mastersGroup = 'system:masters';
const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/**
 * Who asks, and whether they may. Certificates of the cluster's CA name user (CN) and groups (O);
 * bearer tokens are known by their hashes. system:masters may do everything, nobody else anything.
 */
export class Authenticator {
  /** A connection keeps its certificate, and reading one takes longer than many a request. */
  private readonly bySocket = new WeakMap<IncomingMessage['socket'], UserInfo>();

  constructor(
    private readonly tokens: TokenFile,
    private readonly logger: Logger,
  ) {}

  /**
   * The user of a request, system:anonymous without credentials; Unauthorized when they are wrong.
   */
  async authenticate(request: IncomingMessage): Promise<UserInfo> {
    const user = this.fromCertificate(connectionOf(request)) ?? (await this.fromToken(request));
    return user ?? anonymous;
  }

  /** Forbidden, with a message that names user, verb and what was asked for. */
  async authorize(user: UserInfo, attributes: AccessAttributes): Promise<void> {
    if (user.groups.includes(mastersGroup)) return;
    if (attributes.verb === 'get' && openPaths.has(attributes.path ?? '')) return;
    this.logger.info({ user: user.name, ...attributes }, 'access denied');
    if (user.name === anonymous.name)
      throw unauthorized('no valid credentials: send a client certificate or a bearer token');
    throw new GantryError('Forbidden', refusal(user, attributes), {
      kind: attributes.resource,
      group: attributes.group,
      name: attributes.name,
    });
  }

  private fromCertificate(socket: IncomingMessage['socket']): UserInfo | undefined {
    const known = this.bySocket.get(socket);
    if (known) return known;
    const tls = socket as TLSSocket;
    if (typeof tls.getPeerCertificate !== 'function') return undefined;
    const { subject } = tls.getPeerCertificate() ?? {};
    if (!subject) return undefined;
    if (!tls.authorized) {
      const why = String(tls.authorizationError);
      throw unauthorized(`the client certificate is not accepted: ${why}`);
    }
    const user = userOf(subject);
    this.bySocket.set(socket, user);
    return user;
  }

  private async fromToken(request: IncomingMessage): Promise<UserInfo | undefined> {
    const header = request.headers.authorization;
    if (!header) return undefined;
    const [, token] = /^Bearer +([\w~+/.=-]+)$/i.exec(header) ?? [];
    const hash = token && createHash('sha256').update(token).digest('hex');
    const user = hash ? await this.tokens.find(hash) : undefined;
    if (!user) throw unauthorized('the bearer token is not valid');
    return { name: user.name, groups: [...user.groups, 'system:authenticated'] };
  }
}

/** Node gives a field that is there several times as a list. */
function userOf(subject: PeerCertificate['subject']): UserInfo {
  const { CN: name, O: groups } = subject as { CN?: string | string[]; O?: string | string[] };
  return {
    name: [name ?? ''].flat()[0] ?? '',
    groups: [...[groups ?? []].flat(), 'system:authenticated'],
  };
}

function unauthorized(message: string): GantryError {
  return new GantryError('Unauthorized', message);
}

function refusal(user: UserInfo, attributes: AccessAttributes): string {
  const { verb, path, resource, subresource, group, namespace, name } = attributes;
  if (!resource) return `User "${user.name}" cannot ${verb} path "${path ?? ''}"`;
  const what = subresource ? `${resource}/${subresource}` : resource;
  const which = name
    ? `${what}${group ? `.${group}` : ''} "${name}" is forbidden`
    : `${what} is forbidden`;
  const where = namespace ? ` in the namespace "${namespace}"` : ' at the cluster scope';
  const inGroup = ` in API group "${group ?? ''}"`;
  return `${which}: User "${user.name}" cannot ${verb} resource "${what}"${inGroup}${where}`;
}
