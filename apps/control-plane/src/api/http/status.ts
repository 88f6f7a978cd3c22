import type { ErrorDetails } from '@gantry/base';
import { describeError, GantryError } from '@gantry/base';
import type { Status, StatusDetails } from '@gantry/api-machinery';

function detailsFrom(details: ErrorDetails): StatusDetails {
  const { group, ...rest } = details;
  return group ? { ...rest, group } : rest;
}

/** The Status a client gets for an error; what is not ours is a bug and shows as InternalError. */
export function failure(error: unknown): Status & { code: number } {
  const known =
    error instanceof GantryError
      ? error
      : new GantryError('InternalError', `internal error: ${describeError(error)}`);
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: known.message,
    reason: known.reason,
    details: detailsFrom(known.details),
    code: known.httpCode,
  };
}

export function success(details?: StatusDetails, code?: number): Status {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' };
  if (details) status.details = details;
  if (code) status.code = code;
  return status;
}
