/** The reasons of Kubernetes' Status objects; each maps once to HTTP and once to gRPC. */
export type Reason =
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Expired'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'Invalid'
  | 'TooManyRequests'
  | 'InternalError'
  | 'ServiceUnavailable'
  | 'Timeout';

/** One fault of one field, in the shape of metav1.StatusCause. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** What the error is about: `kind` is the plural for most reasons and the Kind for Invalid, as Kubernetes has it. */
export interface ErrorDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly Cause[];
  readonly retryAfterSeconds?: number;
}

const httpCodes: Record<Reason, number> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};

// google.rpc.Code by number, so that this library needs no gRPC.
const grpcCodes: Record<Reason, number> = {
  BadRequest: 3,
  Unauthorized: 16,
  Forbidden: 7,
  NotFound: 5,
  MethodNotAllowed: 12,
  NotAcceptable: 3,
  AlreadyExists: 6,
  Conflict: 10,
  Expired: 11,
  RequestEntityTooLarge: 3,
  UnsupportedMediaType: 3,
  Invalid: 3,
  TooManyRequests: 8,
  InternalError: 13,
  ServiceUnavailable: 14,
  Timeout: 4,
};

/** An operating error that a caller or a person can act on; anything else that is thrown is a bug. */
export class GantryError extends Error {
  constructor(
    readonly reason: Reason,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = `${reason}Error`;
  }

  get httpCode(): number {
    return httpCodes[this.reason];
  }

  get grpcCode(): number {
    return grpcCodes[this.reason];
  }
}

function resourceName(details: ErrorDetails): string {
  return details.group ? `${details.kind}.${details.group}` : (details.kind ?? 'object');
}

/** `details.kind` is the plural, e.g. `{kind: 'deployments', group: 'apps', name: 'web'}`. */
export function notFound(details: ErrorDetails): GantryError {
  return new GantryError(
    'NotFound',
    `${resourceName(details)} "${details.name}" not found`,
    details,
  );
}

export function alreadyExists(details: ErrorDetails): GantryError {
  const message = `${resourceName(details)} "${details.name}" already exists`;
  return new GantryError('AlreadyExists', message, details);
}

export function conflict(details: ErrorDetails, why?: string): GantryError {
  const because =
    why ??
    'the object has been modified; please apply your changes to the latest version and try again';
  const message = `Operation cannot be fulfilled on ${resourceName(details)} "${details.name}": ${because}`;
  return new GantryError('Conflict', message, details);
}

/** `details.kind` is the Kind here, and `causes` name the fields. */
export function invalid(details: ErrorDetails & { causes: readonly Cause[] }): GantryError {
  const faults = details.causes.map((c) => (c.field ? `${c.field}: ${c.message}` : c.message));
  const list = faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`;
  const kind = details.group ? `${details.kind}.${details.group}` : details.kind;
  return new GantryError('Invalid', `${kind} "${details.name ?? ''}" is invalid: ${list}`, details);
}

export function badRequest(message: string, options?: ErrorOptions): GantryError {
  return new GantryError('BadRequest', message, {}, options);
}

export function unavailable(message: string, options?: ErrorOptions): GantryError {
  return new GantryError('ServiceUnavailable', message, {}, options);
}

/** The history before a revision is gone: list again, then watch from the list's revision. */
export function compacted(message = 'too old resource version'): GantryError {
  return new GantryError('Expired', message);
}

export function isReason(error: unknown, reason: Reason): error is GantryError {
  return error instanceof GantryError && error.reason === reason;
}

/** The message with its chain of causes, outermost first: `start container: mount /proc: EPERM`. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let at: unknown = error;
  while (at instanceof Error && parts.length < 10) {
    if (!parts.at(-1)?.includes(at.message)) parts.push(at.message);
    at = at.cause;
  }
  return parts.length > 0 ? parts.join(': ') : String(error);
}
