import { quantityBytes, quantityMillis } from '@gantry/api-machinery';
import type { ContainerInput, PodSpecInput, ResourceList } from './input.js';

/** Amounts by resource name: cpu in thousandths of a core, memory and storage in bytes, others in pieces. */
export type Amounts = Map<string, number>;

/** At most this many distinct quantity strings are remembered, since most pods repeat the same few. */
const rememberedQuantities = 4096;
const remembered = { cpu: new Map<string, number>(), other: new Map<string, number>() };

/** One amount of a resource as a number; rounded up, so that nothing asked for is lost. */
export function amountOf(resource: string, quantity: string | number): number {
  const parse = resource === 'cpu' ? quantityMillis : quantityBytes;
  const cache = resource === 'cpu' ? remembered.cpu : remembered.other;
  const text = String(quantity);
  let amount = cache.get(text);
  if (amount === undefined) {
    amount = Math.ceil(parse(text));
    if (cache.size >= rememberedQuantities) cache.clear();
    cache.set(text, amount);
  }
  return amount;
}

export function amountsOf(list: ResourceList | undefined): Amounts {
  const amounts: Amounts = new Map();
  for (const [name, quantity] of Object.entries(list ?? {})) {
    if (quantity !== undefined) amounts.set(name, amountOf(name, quantity));
  }
  return amounts;
}

function add(into: Amounts, from: Amounts): void {
  for (const [name, amount] of from) into.set(name, (into.get(name) ?? 0) + amount);
}

function raise(into: Amounts, to: Amounts): void {
  for (const [name, amount] of to) into.set(name, Math.max(into.get(name) ?? 0, amount));
}

/** A limit without a request asks for the limit, as the API's defaults have it. */
export function containerRequests(container: ContainerInput): Amounts {
  const amounts = amountsOf(container.resources?.limits);
  for (const [name, amount] of amountsOf(container.resources?.requests)) amounts.set(name, amount);
  return amounts;
}

/**
 * What a pod holds on its node for as long as it lives: the larger of what its containers need together
 * and what any init container needs while the sidecars before it run, plus the overhead, and one of `pods`.
 */
export function podRequests(spec: PodSpecInput): Amounts {
  const steady: Amounts = new Map();
  for (const container of spec.containers) add(steady, containerRequests(container));
  const peak: Amounts = new Map();
  const sidecars: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const asked = containerRequests(container);
    if (container.restartPolicy === 'Always') {
      add(steady, asked);
      add(sidecars, asked);
      raise(peak, sidecars);
    } else {
      add(asked, sidecars);
      raise(peak, asked);
    }
  }
  raise(steady, peak);
  if (spec.overhead) add(steady, amountsOf(spec.overhead));
  for (const [name, amount] of steady) if (amount <= 0) steady.delete(name);
  return steady.set('pods', 1);
}
