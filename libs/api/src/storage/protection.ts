import type { ApiObject } from '@gantry/api-machinery';

/** Keeps a claim until no pod uses it. */
export const claimProtection = 'kubernetes.io/pvc-protection';
/** Keeps a volume until no claim has it. */
export const volumeProtection = 'kubernetes.io/pv-protection';

/** For `prepare` of a kind: every new object begins with the finalizer. */
export function protectedBy(finalizer: string) {
  return ({ metadata }: ApiObject, old?: ApiObject): void => {
    if (old || metadata.finalizers?.includes(finalizer)) return;
    metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
  };
}
