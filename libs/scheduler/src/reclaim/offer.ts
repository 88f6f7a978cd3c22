/** An amount of cpu in thousandths of a core and of memory in bytes. */
export interface CpuAndMemory {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
}

/** What a node has, and what all but its reclaimable pods use of it. */
export interface OfferFacts {
  readonly allocatable: CpuAndMemory;
  readonly used: CpuAndMemory;
  /** The node is short of memory, or does not answer: everything is needed back. */
  readonly isPressed: boolean;
}

/** The share of a node that is never offered, so that its owners may grow while nobody looks. */
export const marginShare = 0.1;
/** Offers move in steps of this share of the node, so that small changes of use change nothing. */
export const stepShare = 0.05;
/** How fast a peak of use is forgotten: the share of it that still counts at the next look. */
export const peakMemory = 0.9;

const parts = ['cpuMillis', 'memoryBytes'] as const;

type Amount = Record<(typeof parts)[number], number>;

/** The use to reckon with: a rise counts at once, a fall only little by little. */
export function peakUse(now: CpuAndMemory, before: CpuAndMemory | undefined): CpuAndMemory {
  const peak: Amount = { ...now };
  for (const part of parts) peak[part] = Math.max(now[part], (before?.[part] ?? 0) * peakMemory);
  return peak;
}

/**
 * What the node offers to reclaimable pods: what its owners do not use, but for the margin, in whole steps. It
 * falls at once; it rises only by two steps and more, so that it does not go up and down with every look.
 */
export function reclaimableOffer(facts: OfferFacts, before?: CpuAndMemory): CpuAndMemory {
  const { allocatable, used, isPressed } = facts;
  const offer: Amount = { cpuMillis: 0, memoryBytes: 0 };
  for (const part of parts) {
    const step = Math.floor(allocatable[part] * stepShare);
    if (isPressed || step <= 0) continue;
    const left = allocatable[part] * (1 - marginShare) - used[part];
    const next = Math.max(0, Math.floor(left / step) * step);
    const known = before?.[part];
    offer[part] = known !== undefined && next > known && next < known + 2 * step ? known : next;
  }
  return offer;
}
