import type { Beside } from '@gantry/controller';
import type { Operation, Store } from '@gantry/store';

/**
 * Two keys by which those who bind see each other, though each only knows what it has read: the leader's loop
 * writes one with each of its transactions and guards the other; who binds through the API does it the other way
 * round. So no two of them fill the same room, and the loop pays one guard for it, whatever the number of pods.
 */
export const bindingTurns = { loop: 'bindings/loop', api: 'bindings/api' } as const;

export type Binder = keyof typeof bindingTurns;

/** How far each had come, as revisions of the store. */
export type Turns = Readonly<Record<Binder, bigint>>;

export async function readTurns(store: Store): Promise<Turns> {
  const revision = async (by: Binder) => (await store.get(bindingTurns[by]))?.modRevision ?? 0n;
  const [loop, api] = await Promise.all([revision('loop'), revision('api')]);
  return { loop, api };
}

const mark = new TextEncoder().encode('{}');

/** Takes a turn: fails when any of `unchanged` has taken one since `turns` was read. */
export function takingTurn(by: Binder, turns: Turns, unchanged: readonly Binder[]): Beside {
  const put: Operation = { type: 'put', key: bindingTurns[by], value: mark };
  const guards = unchanged.map((other) => ({
    key: bindingTurns[other],
    modRevision: turns[other],
  }));
  return { guards, operations: [put] };
}
