import { GantryError, unavailable, type Reason } from '@gantry/base';
import type { Status } from '@gantry/api-machinery';

const reasons: Record<number, Reason> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};
const known = new Set<string>([...Object.values(reasons), 'AlreadyExists']);

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && (value as Status).kind === 'Status';
}

function fallback(code: number, body: string): GantryError {
  const text = body.trim().slice(0, 500);
  const reason = reasons[code] ?? 'InternalError';
  if (code === 404)
    return new GantryError(reason, 'the server could not find the requested resource');
  if (code === 401) {
    return new GantryError(reason, 'the server does not accept these credentials (Unauthorized)');
  }
  return new GantryError(reason, `the server answered ${code}${text ? `: ${text}` : ''}`);
}

/** The error that a failed answer means: its Status, or what its code tells. */
export function errorFromAnswer(code: number, body: string): GantryError {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return fallback(code, body);
  }
  return isStatus(value) ? errorFromStatus(value, code) : fallback(code, body);
}

/** The error that a Status object means. */
export function errorFromStatus(status: Status, code = status.code ?? 500): GantryError {
  const { reason = '', message = '', details = {} } = status;
  const named = known.has(reason) ? (reason as Reason) : undefined;
  return new GantryError(
    named ?? reasons[code] ?? 'InternalError',
    message || `the server answered ${code}`,
    details,
  );
}

const advice: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there; is the control plane running?',
  ENOTFOUND: 'the name does not resolve',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no route to the host',
  ECONNRESET: 'the connection was cut',
  CERT_HAS_EXPIRED: 'the certificate of the server has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate of the server is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server is not the one this kubeconfig trusts',
  SELF_SIGNED_CERT_IN_CHAIN: 'the server is not the one this kubeconfig trusts',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server is not the one this kubeconfig trusts',
};

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** The error that a failed connection means, with what to look at. */
export function errorFromTransport(server: string, error: unknown): GantryError {
  const code = codeOf(error);
  const why = advice[code] ?? (error instanceof Error ? error.message : String(error));
  return unavailable(`cannot reach ${server}: ${why}`, { cause: error });
}
