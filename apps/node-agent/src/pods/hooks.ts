import { constants } from 'node:os';
import type { Container, LifecycleHandler } from '@gantry/api';
import { delay } from '@gantry/base';
import { execCheck, httpCheck, type ProbeTarget } from '../probes/check.js';
import type { NodeContext } from './node-context.js';

/** Runs a lifecycle hook to its end; rejects with the reason when it fails or the signal aborts. */
export async function runHook(
  handler: LifecycleHandler,
  target: ProbeTarget,
  context: NodeContext,
  signal: AbortSignal,
): Promise<void> {
  if (handler.sleep) return delay(context.clock, handler.sleep.seconds * 1000, signal);
  const outcome = handler.exec
    ? await execCheck(handler.exec.command ?? [], target, context.runtime, signal)
    : handler.httpGet
      ? await httpCheck(handler.httpGet, target, signal)
      : { ok: true, output: '' };
  if (!outcome.ok) throw new Error(outcome.output);
}

/** The signal that asks the container to stop: its own, its image's if the host knows it, or SIGTERM. */
export function stopSignal(
  container: Container,
  imageSignal: string | undefined,
): NodeJS.Signals | number {
  const text = container.lifecycle?.stopSignal ?? imageSignal ?? '';
  if (/^\d{1,2}$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return Number(text);
  const name = text.startsWith('SIG') ? text : `SIG${text}`;
  return Object.hasOwn(constants.signals, name) ? (name as NodeJS.Signals) : 'SIGTERM';
}
