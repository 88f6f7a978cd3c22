/** How a quantity is written: `2M`, `2Mi` or `2e6`. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An exact amount, in billionths. */
export interface ParsedQuantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

const billion = 1_000_000_000n;
const most = (2n ** 63n - 1n) * billion;
const shape = /^([+-]?)(\d+\.?\d*|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?$/;
const decimalExponents: Record<string, number> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const decimalSuffixes = new Map(Object.entries(decimalExponents).map(([s, e]) => [e, s]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** A fault of a quantity's text; its message is for people. */
export class QuantityError extends Error {}

function scaleOf(suffix: string): { format: QuantityFormat; exponent: number; factor: bigint } {
  if (suffix.endsWith('i')) {
    const factor = 1024n ** BigInt(binarySuffixes.indexOf(suffix));
    return { format: 'BinarySI', exponent: 0, factor };
  }
  if (/^[eE]./.test(suffix)) {
    return { format: 'DecimalExponent', exponent: Number(suffix.slice(1)), factor: 1n };
  }
  return { format: 'DecimalSI', exponent: decimalExponents[suffix] ?? 0, factor: 1n };
}

/** Rounds away from zero, as Kubernetes does with what is finer than a billionth. */
function divideUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  if (value % divisor === 0n) return quotient;
  return value > 0n ? quotient + 1n : quotient - 1n;
}

/** Texts whose amounts are remembered: a cluster's pods ask for the same few again and again. */
const maxRemembered = 4_096;
const remembered = new Map<string, ParsedQuantity>();

/** Parses `250m`, `1.5Gi`, `2e3`; throws {@link QuantityError}, also above 2^63-1. */
export function parseQuantity(text: string | number): ParsedQuantity {
  const source = String(text);
  const known = remembered.get(source);
  if (known) return known;
  const parsed = parse(source);
  if (remembered.size === maxRemembered) remembered.clear();
  remembered.set(source, parsed);
  return parsed;
}

function parse(source: string): ParsedQuantity {
  const match = source.length <= 64 ? shape.exec(source) : null;
  if (!match) {
    throw new QuantityError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', for example 250m, 1.5 or 64Mi",
    );
  }
  const [, sign, digits = '', suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const { format, exponent, factor } = scaleOf(suffix);
  const mantissa = BigInt(whole + fraction) * factor * (sign === '-' ? -1n : 1n);
  const power = 9 + exponent - fraction.length;
  const nanos =
    power >= 0 ? mantissa * 10n ** BigInt(power) : divideUp(mantissa, 10n ** BigInt(-power));
  if (nanos > most || nanos < -most) {
    throw new QuantityError(`quantity ${source} is out of range: at most 9223372036854775807`);
  }
  return { nanos, format };
}

function formatBinary(nanos: bigint): string {
  let value = nanos / billion;
  let power = 0;
  while (power < 6 && value !== 0n && value % 1024n === 0n) {
    value /= 1024n;
    power += 1;
  }
  return `${value}${binarySuffixes[power]}`;
}

function formatDecimal(nanos: bigint, exponential: boolean): string {
  let value = nanos;
  let exponent = -9;
  while (exponent < 18 && value !== 0n && value % 1000n === 0n) {
    value /= 1000n;
    exponent += 3;
  }
  if (value === 0n) return '0';
  if (!exponential) return `${value}${decimalSuffixes.get(exponent)}`;
  return exponent === 0 ? `${value}` : `${value}e${exponent}`;
}

/** The canonical text: no fraction, the largest suffix that keeps the amount exact. */
export function formatQuantity(quantity: ParsedQuantity): string {
  const { nanos, format } = quantity;
  const small = nanos > -1024n * billion && nanos < 1024n * billion;
  // What 1024s cannot express exactly is written in decimal, so that nothing is lost.
  if (format === 'BinarySI' && !small && nanos % billion === 0n) return formatBinary(nanos);
  return formatDecimal(nanos, format === 'DecimalExponent');
}

/** Canonical form of a quantity: `0.5` → `500m`, `1024Mi` → `1Gi`. */
export function canonicalQuantity(text: string | number): string {
  return formatQuantity(parseQuantity(text));
}

/** The amount in thousandths, rounded up (cpu). */
export function quantityMillis(text: string | number): number {
  return Number(divideUp(parseQuantity(text).nanos, 1_000_000n));
}

/** The amount in whole units, rounded up (bytes, counts). */
export function quantityValue(text: string | number): number {
  return Number(divideUp(parseQuantity(text).nanos, billion));
}

/** Bytes, rounded up. */
export const quantityBytes = quantityValue;

/** Below, at or above zero as `a` is less than, equal to or more than `b`. */
export function compareQuantities(a: string | number, b: string | number): number {
  const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The sum in canonical form, in the format of the first. */
export function addQuantities(...texts: readonly (string | number)[]): string {
  const parsed = texts.map(parseQuantity);
  const nanos = parsed.reduce((sum, quantity) => sum + quantity.nanos, 0n);
  return formatQuantity({ nanos, format: parsed[0]?.format ?? 'DecimalSI' });
}

/** `250m` of 250 thousandths. */
export function millisToQuantity(millis: number): string {
  return formatQuantity({ nanos: BigInt(Math.round(millis)) * 1_000_000n, format: 'DecimalSI' });
}

/** `64Mi` of 67108864 bytes. */
export function bytesToQuantity(bytes: number): string {
  return formatQuantity({ nanos: BigInt(Math.round(bytes)) * billion, format: 'BinarySI' });
}
