import type { Pod } from '@gantry/api';
import { parseQuantity } from '../quantity.js';

export type Direction = 'ingress' | 'egress';
const directions: readonly Direction[] = ['ingress', 'egress'];
/** Bits in a second. */
export type NetworkBandwidth = Readonly<Partial<Record<Direction, number>>>;

/** The extended resources by which pods ask for a part of it: whole bits in a second. */
export const networkResource: Readonly<Record<Direction, string>> = {
  ingress: 'gantry.dev/network-ingress-bits',
  egress: 'gantry.dev/network-egress-bits',
};

/** `ingress=1G,egress=1G`; throws what is wrong. */
export function parseNetworkBandwidth(text: string): NetworkBandwidth {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', amount = ''] = pair.split('=');
      if (!directions.some((direction) => direction === name)) {
        throw new Error(`${JSON.stringify(pair)}: give ingress= or egress= and bits in a second`);
      }
      const bits = Math.round(parseQuantity(amount));
      if (bits < 1) throw new Error(`${JSON.stringify(pair)} must be above 0`);
      return [name, bits];
    }),
  );
}

/** What the node offers of it. */
export function networkResources(bandwidth: NetworkBandwidth): Record<string, string> {
  return Object.fromEntries(
    directions.flatMap((direction) =>
      bandwidth[direction] === undefined
        ? []
        : [[networkResource[direction], String(bandwidth[direction])]],
    ),
  );
}

/** What all containers of the pod ask for together, in bits per second; undefined when nothing. */
export function askedBits(pod: Pod, direction: Direction): number | undefined {
  const amounts = pod.spec.containers.map(({ resources }) =>
    parseQuantity(resources?.limits?.[networkResource[direction]] ?? '0'),
  );
  const sum = amounts.reduce((total, amount) => total + amount, 0);
  return sum > 0 ? sum : undefined;
}
