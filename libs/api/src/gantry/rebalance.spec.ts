import { expect, test } from 'vitest';
import { RebalanceKind, rebalanceMoves, type RebalanceMove } from './rebalance.js';

const move = (uid: string, from: string, to: string, exchangeWith?: string): RebalanceMove => ({
  namespace: 'default',
  pod: uid,
  uid,
  from,
  to,
  ...(exchangeWith === undefined ? {} : { exchangeWith }),
});

test.each<[string, RebalanceMove[], string[]]>([
  ['two that change places', [move('1', 'a', 'b', '2'), move('2', 'b', 'a')], []],
  [
    'the other is not next',
    [move('1', 'a', 'b', '2'), move('3', 'c', 'a'), move('2', 'b', 'a')],
    ['spec.moves[0].exchangeWith'],
  ],
  ['there is no other', [move('1', 'a', 'b', '2')], ['spec.moves[0].exchangeWith']],
  [
    'the other goes elsewhere',
    [move('1', 'a', 'b', '2'), move('2', 'b', 'c')],
    ['spec.moves[0].exchangeWith'],
  ],
  [
    'each waits for the other',
    [move('1', 'a', 'b', '2'), move('2', 'b', 'a', '1')],
    ['spec.moves[0].exchangeWith', 'spec.moves[1].exchangeWith'],
  ],
])('exchanges: %s', (_title, moves, fields) => {
  const errors = RebalanceKind.validate({ metadata: { name: 'r' }, spec: { moves } });
  expect(errors.map(({ field }) => field)).toEqual(fields);
});

test('a Rebalance gets what the plan says of moves, without what is for people', () => {
  const moves = [move('1', 'a', 'b', '2'), move('2', 'b', 'a')];
  const planned = moves.map((each) => ({ ...each, owner: 'ReplicaSet/r', reason: '' }));
  expect(rebalanceMoves(planned)).toEqual(moves);
});
