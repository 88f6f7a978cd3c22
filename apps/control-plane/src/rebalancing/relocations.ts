import type { Pod } from '@gantry/api';
import { controllerOf } from '../controllers/ownership.js';

/** The node that a pod goes to if it fits there when its turn comes; else it goes where it fits best. */
export const preferredNodeAnnotation = 'gantry.dev/preferred-node';
/** Uid of the pod in whose place this one was made. */
export const replacesAnnotation = 'gantry.dev/replaces';

/**
 * The node where room is kept: of a replacement that waits, the room of the pod before it, for the one it changes
 * places with; of a pod that goes first, its own, until its replacement is there.
 */
export const keepsRoomAnnotation = 'gantry.dev/keeps-room-on';
/** Of a replacement that waits: uid of the pod that it changes places with. */
export const exchangeWithAnnotation = 'gantry.dev/exchange-with';
/** The gate behind which a replacement waits until its place is free. */
export const exchangeGate = 'gantry.dev/exchange';

/** Where the replacement of a moved pod shall come to. */
export interface Relocation {
  /** Uid of the pod that goes. */
  readonly pod: string;
  readonly to: string;
  /** It waits until this pod, which is to come to `from`, has left its place. */
  readonly exchange?: { readonly with: string; readonly from: string };
}

/** Whether the pod waits for the place of one that it changes places with. */
export function waitsForExchange({ spec }: Pod): boolean {
  return spec.schedulingGates?.some(({ name }) => name === exchangeGate) ?? false;
}

/** The pod, marked as one that goes first of two; undefined when it is. */
export function keepingRoom(pod: Pod, node: string): Pod | undefined {
  const { annotations } = pod.metadata;
  if (annotations?.[keepsRoomAnnotation] === node) return undefined;
  const marked = { ...annotations, [keepsRoomAnnotation]: node };
  return { ...pod, metadata: { ...pod.metadata, annotations: marked } };
}

function waiting(pod: Pod, { with: other, from }: NonNullable<Relocation['exchange']>): Pod {
  const annotations = {
    ...pod.metadata.annotations,
    [keepsRoomAnnotation]: from,
    [exchangeWithAnnotation]: other,
  };
  const schedulingGates = [...(pod.spec.schedulingGates ?? []), { name: exchangeGate }];
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations },
    spec: { ...pod.spec, schedulingGates },
  };
}

/** Tells controllers that make a pod in place of a moved one where it belongs; of one term of leadership. */
export class Relocations {
  private readonly byOwner = new Map<string, Relocation>();

  /** The next pod that this owner makes takes the place of the one that goes. */
  expect(owner: string, relocation: Relocation): void {
    this.byOwner.set(owner, relocation);
  }

  /** Nothing is expected of the owner any more. */
  end(owner: string): void {
    this.byOwner.delete(owner);
  }

  /** The pod that is about to be made, marked when it is the expected one; once. */
  complete(pod: Pod): Pod {
    const owner = controllerOf(pod)?.uid;
    const relocation = owner === undefined ? undefined : this.byOwner.get(owner);
    if (!relocation) return pod;
    this.byOwner.delete(owner!);
    const annotations = {
      ...pod.metadata.annotations,
      [preferredNodeAnnotation]: relocation.to,
      [replacesAnnotation]: relocation.pod,
    };
    const marked = { ...pod, metadata: { ...pod.metadata, annotations } };
    return relocation.exchange ? waiting(marked, relocation.exchange) : marked;
  }
}
