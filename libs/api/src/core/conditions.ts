/** Whatever tells how it is by conditions. */
export interface WithConditions {
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

/** Whether a pod or a node says that it is ready. */
export function isReady({ status }: WithConditions): boolean {
  return status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
}
