import type { DeviceHoldings } from './devices/holdings.js';
import type { NodeInput } from './input.js';
import { traitsOf, type NodeTraits } from './node-table.js';
import type { Occupancy } from './occupancy.js';
import { nowhere } from './pod-table.js';

/** Pods taken off their nodes for a look, by uid; unknown ones are passed over. */
export interface SnapshotTrial {
  readonly lift: (uid: string) => void;
  readonly lower: (uid: string) => void;
}

/** Pods moved for a look, by uid. A pod is lifted before it is put somewhere. */
export interface Rehearsal {
  readonly lift: (uid: string) => void;
  readonly put: (uid: string, slot: number) => void;
}

/**
 * Looks at the cluster without some pods: `lift` takes one off its node, `lower` puts it back. What is still
 * off when `look` returns is put back, so that nobody else ever sees it; nothing else may change meanwhile.
 */
export function trial<T>(occupancy: Occupancy, look: (trial: SnapshotTrial) => T): T {
  const lifted = new Set<number>();
  const { pods } = occupancy;
  const toggle = (uid: string, isOff: boolean) => {
    const number = pods.find(uid);
    if (number < 0 || pods.slot(number) === nowhere || lifted.has(number) !== isOff) return;
    if (isOff) occupancy.arrive(number, pods.slot(number));
    else occupancy.leave(number, pods.slot(number));
    if (isOff) lifted.delete(number);
    else lifted.add(number);
  };
  try {
    return look({ lift: (uid) => toggle(uid, false), lower: (uid) => toggle(uid, true) });
  } finally {
    for (const number of lifted) occupancy.arrive(number, pods.slot(number));
  }
}

/** Looks at the cluster with this node's labels, taints or cordon changed; afterwards all is as before. */
export function withTraits<T>(
  occupancy: Occupancy,
  slot: number,
  traits: NodeTraits,
  look: () => T,
): T {
  const before = occupancy.nodes.traits[slot]!;
  occupancy.replaceTraits(slot, traits);
  try {
    return look();
  } finally {
    occupancy.replaceTraits(slot, before);
  }
}

/** Looks at the cluster with one more, empty node of an unused name; afterwards all is as before. */
export function withNode<T>(occupancy: Occupancy, node: NodeInput, look: (slot: number) => T): T {
  const traits = traitsOf(node);
  if (occupancy.nodes.slot(traits.name) !== undefined) throw new Error(`${traits.name} exists`);
  const slot = occupancy.occupy(traits, node);
  try {
    return look(slot);
  } finally {
    occupancy.vacate(slot);
  }
}

/**
 * Looks at the cluster with pods on other nodes: `lift` takes one off its node, `put` sets it on a node. When
 * `look` returns all are where they were, with the devices that they held; nothing else may change meanwhile.
 */
export function rehearse<T>(occupancy: Occupancy, look: (rehearsal: Rehearsal) => T): T {
  const homes = new Map<number, { slot: number; devices: DeviceHoldings | undefined }>();
  const { pods, holdings } = occupancy;
  const lift = (number: number) => {
    if (pods.slot(number) === nowhere) return;
    const home = { slot: pods.slot(number), devices: holdings.get(number) };
    if (!homes.has(number)) homes.set(number, home);
    occupancy.displace(number);
    holdings.delete(number);
  };
  try {
    return look({
      lift: (uid) => lift(pods.find(uid)),
      put: (uid, slot) => occupancy.place(pods.find(uid), slot),
    });
  } finally {
    for (const number of homes.keys()) lift(number);
    for (const [number, { slot, devices }] of homes) {
      if (devices) holdings.set(number, devices);
      occupancy.place(number, slot);
    }
  }
}
