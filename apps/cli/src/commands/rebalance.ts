import type { Rebalance, RebalancePlanStatus } from '@gantry/api';
import { delay, systemClock } from '@gantry/base';
import type { Command } from 'commander';
import { runs, type Environment, type Flags } from '../command-line.js';
import { rebalancePlanText } from '../output/rebalance-text.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';

const group = '/apis/gantry.dev/v1';
const apiVersion = 'gantry.dev/v1';
/** Plans for large clusters take longer than other requests. */
const timeoutMs = 300_000;
const pollMs = 1_000;

async function rebalance(session: Session, _: readonly string[], flags: Flags): Promise<void> {
  const { terminal } = session;
  if (flags['output'] !== undefined && flags['output'] !== 'json') {
    throw new UsageError(`-o ${String(flags['output'])}: rebalance prints text or json`);
  }
  const plan = await session.client.request<{ status: RebalancePlanStatus }>({
    method: 'POST',
    path: `${group}/rebalanceplans`,
    body: { apiVersion, kind: 'RebalancePlan', metadata: {}, spec: { maxMoves: movesOf(flags) } },
    timeoutMs,
  });
  const { status } = plan;
  const isJson = flags['output'] === 'json';
  terminal.out(isJson ? `${JSON.stringify(plan, null, 4)}\n` : rebalancePlanText(status));
  if (status.moves.length === 0) return;
  if (!flags['yes']) {
    if (!isJson) terminal.out('\nNothing was moved. Add --yes to make these moves.\n');
    return;
  }
  const begun = await begin(session, status);
  const name = begun.metadata.name ?? '';
  terminal.err(`rebalance ${name} has begun; deleting it stops it\n`);
  if (flags['wait'] !== false) await follow(session, name);
}

function movesOf(flags: Flags): number {
  const text = String(flags['maxMoves']);
  const moves = /^\d+$/.test(text) ? Number(text) : 0;
  if (moves >= 1 && moves <= 1_000) return moves;
  throw new UsageError(`--max-moves ${text}: give a whole number from 1 to 1000`);
}

async function begin(session: Session, { moves, gain }: RebalancePlanStatus): Promise<Rebalance> {
  // Most commands need none of it, and it takes long to load.
  const { rebalanceMoves } = await import('@gantry/api');
  const spec = { gain, moves: rebalanceMoves(moves) };
  const metadata = { generateName: 'rebalance-' };
  return session.client.request<Rebalance>({
    method: 'POST',
    path: `${group}/rebalances`,
    body: { apiVersion, kind: 'Rebalance', metadata, spec },
  });
}

/** Says what happens until it is over; interrupting ends only the telling. */
async function follow({ client, terminal, signal }: Session, name: string): Promise<void> {
  const path = `${group}/rebalances/${name}`;
  let told = '';
  for (let done = 0; ;) {
    const { spec, status } = await client.request<Rebalance>({ method: 'GET', path });
    const { message = '', moved = 0, phase } = status ?? {};
    for (const { namespace, pod, from, to } of spec.moves.slice(done, moved)) {
      done += 1;
      const number = `(${done} of ${spec.moves.length})`;
      terminal.err(`moved ${namespace}/${pod} from ${from} to ${to} ${number}\n`);
    }
    if (phase === 'Stopped') {
      throw new CommandError(`rebalance ${name} stopped after ${moved} moves: ${message}`);
    }
    if (message !== '' && message !== told) terminal.err(`${message}\n`);
    if (phase === 'Completed') return;
    told = message;
    await delay(systemClock, pollMs, signal);
  }
}

export function registerRebalance(program: Command, environment: Environment): void {
  const command = program
    .command('rebalance')
    .description('tell which pods to move so that nodes become free or waiting pods fit, or do it')
    .option('--max-moves <n>', 'pods that are moved, at most', '5')
    .option('--yes', 'make the moves, one after the other, within disruption budgets')
    .option('--no-wait', 'do not wait until they are made (with --yes)')
    .option('-o, --output <format>', 'json');
  runs(environment, command, rebalance);
}
