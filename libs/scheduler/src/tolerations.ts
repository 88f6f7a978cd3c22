import type { TaintInput, TolerationInput } from './input.js';

export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

/** Whether this toleration covers this taint (the rules of core/v1 Toleration). */
export function tolerates(toleration: TolerationInput, taint: TaintInput): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  // An empty key is only meaningful with Exists, where it covers every key.
  if (!toleration.key && toleration.operator !== 'Exists') return false;
  if (toleration.operator === 'Exists') return true;
  const isEqual = toleration.operator === undefined || ['', 'Equal'].includes(toleration.operator);
  return isEqual && (toleration.value ?? '') === (taint.value ?? '');
}

/** The first taint of these effects that no toleration covers. */
export function untoleratedTaint(
  taints: readonly TaintInput[],
  tolerations: readonly TolerationInput[],
  effects: readonly TaintEffect[],
): TaintInput | undefined {
  return taints.find(
    (taint) =>
      (effects as readonly string[]).includes(taint.effect) &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** As `kubectl taint` writes it: `key=value:Effect` or `key:Effect`. */
export function taintText(taint: TaintInput): string {
  return `${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`;
}
