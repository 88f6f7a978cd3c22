import { UsageError } from '../usage-error.js';

/** What each node of a simulation offers, with its labels and perhaps its number. */
export interface NodeShape {
  readonly allocatable: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly count?: number;
}

const example = 'write for example 8cpu,32Gi or 10x8cpu,32Gi,nvidia.com/gpu=2,zone:a';

const quantity = /^\d+(\.\d+)?(m|k|[KMGTPE]i?)?$/;

/** `8cpu,32Gi`, `4x16cpu,64Gi`, further resources as NAME=AMOUNT and labels as NAME:VALUE. */
export function parseShape(text: string): NodeShape {
  const fail = (why: string): never => {
    throw new UsageError(`"${text}": ${why}; ${example}`);
  };
  const [, number, rest = ''] = /^(?:(\d+)x)?(.*)$/s.exec(text)!;
  const count = number === undefined ? undefined : Number(number);
  if (count !== undefined && (count < 1 || count > 50_000)) fail('give from 1 to 50000 nodes');
  const allocatable: Record<string, string> = {};
  const labels: Record<string, string> = {};
  for (const part of rest.split(',')) {
    const cores = /^(\d+(?:\.\d+)?m?)cpu$/.exec(part)?.[1];
    const [name = '', amount] = part.split('=', 2);
    const [label = '', value] = part.split(':', 2);
    if (cores !== undefined) allocatable['cpu'] = cores;
    else if (amount !== undefined && name !== '') allocatable[name] = amount;
    else if (value !== undefined && label !== '') labels[label] = value;
    else if (quantity.test(part)) allocatable['memory'] = part;
    else fail(`${JSON.stringify(part)} is no amount`);
  }
  for (const [name, amount] of Object.entries(allocatable)) {
    if (!quantity.test(amount)) fail(`${name}=${amount} is no quantity`);
  }
  if (allocatable['cpu'] === undefined) fail('the cpu is missing');
  const named = Object.keys(labels).length > 0 ? { labels } : {};
  return { allocatable, ...named, ...(count === undefined ? {} : { count }) };
}

/** A shape as it is written. */
export function shapeText({ allocatable, labels = {} }: NodeShape): string {
  const { cpu, memory, ...others } = allocatable;
  const parts = [`${cpu}cpu`, ...(memory ? [memory] : [])];
  for (const [name, amount] of Object.entries(others)) parts.push(`${name}=${amount}`);
  for (const [name, value] of Object.entries(labels)) parts.push(`${name}:${value}`);
  return parts.join(',');
}
