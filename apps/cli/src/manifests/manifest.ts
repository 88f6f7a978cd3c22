import type { ApiObject } from '@gantry/api';

/** One object of the user's files, with where it stands, for messages. */
export interface Manifest {
  readonly object: ApiObject & { readonly apiVersion: string; readonly kind: string };
  readonly source: string;
}
