import { GantryError, type Reason } from '@gantry/base';

/** The reasons a container waits with, as the kubelet names them. */
export type ImageWaitingReason =
  | 'InvalidImageName'
  | 'ErrImageNeverPull'
  | 'ErrImagePull'
  | 'RegistryUnavailable';

/**
 * Stable codes: `invalid-reference`, `never-pull`, `not-found`, `unauthorized`, `forbidden`, `unavailable`,
 * `rate-limited`, `no-platform`, `invalid-manifest`, `digest-mismatch`, `size-mismatch`, `disk-full`, `refused`
 * (a hostile layer; `layerCode` has gantry-layers' reason code), `aborted`, `internal`.
 */
export type ImageErrorCode =
  | 'invalid-reference'
  | 'never-pull'
  | 'not-found'
  | 'unauthorized'
  | 'forbidden'
  | 'unavailable'
  | 'rate-limited'
  | 'no-platform'
  | 'invalid-manifest'
  | 'digest-mismatch'
  | 'size-mismatch'
  | 'disk-full'
  | 'refused'
  | 'aborted'
  | 'internal';

const reasons: Record<ImageErrorCode, Reason> = {
  'invalid-reference': 'BadRequest',
  'never-pull': 'NotFound',
  'not-found': 'NotFound',
  unauthorized: 'Unauthorized',
  forbidden: 'Forbidden',
  unavailable: 'ServiceUnavailable',
  'rate-limited': 'TooManyRequests',
  'no-platform': 'NotFound',
  'invalid-manifest': 'Invalid',
  'digest-mismatch': 'Invalid',
  'size-mismatch': 'Invalid',
  'disk-full': 'ServiceUnavailable',
  refused: 'Forbidden',
  aborted: 'Timeout',
  internal: 'InternalError',
};

/** An image operation that failed; the message names image, registry and next step. */
export class ImageError extends GantryError {
  constructor(
    readonly code: ImageErrorCode,
    message: string,
    options: ErrorOptions & { layerCode?: string } = {},
  ) {
    super(reasons[code], message, {}, options);
    this.name = 'ImageError';
    this.layerCode = options.layerCode;
  }

  readonly layerCode?: string;

  /** What the kubelet would write in `state.waiting.reason`. */
  get waitingReason(): ImageWaitingReason {
    if (this.code === 'invalid-reference') return 'InvalidImageName';
    if (this.code === 'never-pull') return 'ErrImageNeverPull';
    if (this.code === 'unavailable') return 'RegistryUnavailable';
    return 'ErrImagePull';
  }
}
