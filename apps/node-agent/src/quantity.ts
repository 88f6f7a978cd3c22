const scales: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The value of a quantity as Kubernetes writes it (`250m`, `64Mi`, `1e3`); throws when it is none. */
export function parseQuantity(text: string): number {
  const match = /^(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (!match) throw new Error('must be a quantity, for example 250m or 64Mi');
  return Number(match[1]) * (match[2] ? 10 ** Number(match[2]) : scales[match[3] ?? '']!);
}

// Rounding first removes what binary fractions add: 0.1 * 1000 must not become 101.
const roundUp = (value: number) => Math.ceil(Number(value.toPrecision(15)));

/** Thousandths of a CPU, rounded up. */
export function parseCpuMillis(text: string): number {
  return roundUp(parseQuantity(text) * 1000);
}

/** Whole bytes, rounded up. */
export function parseBytes(text: string): number {
  return roundUp(parseQuantity(text));
}

/** How many times `divisor` goes into `value`, rounded up; as resourceFieldRef wants it. */
export function divideUp(value: string, divisor: string): number {
  return roundUp(parseQuantity(value) / (parseQuantity(divisor) || 1));
}
