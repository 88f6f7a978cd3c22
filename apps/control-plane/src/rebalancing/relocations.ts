import type { Pod } from '@gantry/api';
import { controllerOf } from '../controllers/ownership.js';

/** The node that a pod goes to if it fits there when its turn comes; else it goes where it fits best. */
export const preferredNodeAnnotation = 'gantry.dev/preferred-node';
/** Uid of the pod in whose place this one was made. */
export const replacesAnnotation = 'gantry.dev/replaces';

/** Where the replacement of a moved pod shall come to. */
export interface Relocation {
  /** Uid of the pod that goes. */
  readonly pod: string;
  readonly to: string;
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
    return { ...pod, metadata: { ...pod.metadata, annotations } };
  }
}
