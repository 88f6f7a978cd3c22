import { ImageError } from '../errors.js';
import { formatReference, type Reference } from '../reference.js';
import { type Access, denied } from './authenticator.js';
import type { Endpoint } from './endpoint.js';
import { PassingError, retryAfterMs } from './retry.js';
import { type HttpResponse, readBody } from './transport.js';

const maxErrorBytes = 64 << 10;

export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/** The connection failed or was cut. */
export function passing(endpoint: Endpoint, cause: unknown): ImageError {
  if (cause instanceof ImageError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (isTrustFailure(code)) {
    const hint = `name its certificate authority for ${endpoint.authKey} in the registry configuration`;
    const text = `the certificate of ${endpoint.host} is not trusted (${code}); ${hint}`;
    return new ImageError('unavailable', text, { cause });
  }
  const detail = connectHints[code ?? ''] ?? message;
  return new PassingError('unavailable', `cannot reach ${endpoint.host}: ${detail}`, undefined, {
    cause,
  });
}

const connectHints: Record<string, string> = {
  ECONNREFUSED: 'connection refused; is the registry running?',
  ENOTFOUND: 'the name does not resolve; check it and the DNS',
  EAI_AGAIN: 'the name does not resolve at the moment; check the DNS',
  EPROTO: 'it does not speak TLS; allow plainHttp for it if that is meant',
};

function isTrustFailure(code: string | undefined): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT/.test(code ?? '');
}

/** What a status outside the accepted ones means; reads the error document when there is one. */
export async function answerError(
  access: Access,
  reference: Reference,
  response: HttpResponse,
): Promise<ImageError> {
  const status = response.statusCode ?? 0;
  const detail = await errorDetail(response);
  const image = formatReference(reference);
  const { endpoint } = access;
  const said = `${endpoint.host} answered ${status}${detail && ` (${detail})`}`;
  if (status === 401) return denied(access, said);
  if (status === 403) {
    return new ImageError(
      'forbidden',
      `${said} for ${image}; ask for the right to ${access.action}`,
    );
  }
  if (status === 404) {
    const hint = access.auth ? '' : ', or it is private and needs credentials (imagePullSecrets)';
    return new ImageError('not-found', `${image} is not there: ${said}; check name and tag${hint}`);
  }
  if (isPassingStatus(status)) {
    const code = status === 429 ? 'rate-limited' : 'unavailable';
    return new PassingError(code, `${said} for ${image}`, retryAfterMs(response));
  }
  return new ImageError('unavailable', `${said} for ${image}`);
}

async function errorDetail(response: HttpResponse): Promise<string> {
  try {
    const body = JSON.parse((await readBody(response, maxErrorBytes)).toString('utf8'));
    const first = body?.errors?.[0];
    const text = [first?.code, first?.message]
      .filter((part) => typeof part === 'string')
      .join(': ');
    return text.slice(0, 200);
  } catch {
    return '';
  }
}
