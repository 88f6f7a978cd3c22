import type { Pod } from '@gantry/api';
import { parseQuantity } from '../quantity.js';
import { parseRates, rateResources, type Rates } from './rates.js';

export type Direction = 'ingress' | 'egress';
const directions: readonly Direction[] = ['ingress', 'egress'];
/** Bits in a second. */
export type NetworkBandwidth = Rates<Direction>;

/** The extended resources by which pods ask for a part of it: whole bits in a second. */
export const networkResource: Readonly<Record<Direction, string>> = {
  ingress: 'gantry.dev/network-ingress-bits',
  egress: 'gantry.dev/network-egress-bits',
};

/** `ingress=1G,egress=1G`; throws what is wrong. */
export const parseNetworkBandwidth = (text: string): NetworkBandwidth =>
  parseRates(text, directions, parseQuantity);

/** What the node offers of it. */
export const networkResources = (bandwidth: NetworkBandwidth) =>
  rateResources(bandwidth, networkResource);

/** What all containers of the pod ask for together, in bits per second; undefined when nothing. */
export function askedBits(pod: Pod, direction: Direction): number | undefined {
  const amounts = pod.spec.containers.map(({ resources }) =>
    parseQuantity(resources?.limits?.[networkResource[direction]] ?? '0'),
  );
  const sum = amounts.reduce((total, amount) => total + amount, 0);
  return sum > 0 ? sum : undefined;
}
