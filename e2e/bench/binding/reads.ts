import type { Credentials } from '../../cluster/control-plane-process.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { Connections } from './connections.ts';

const path = '/api/v1/nodes/node-0';
const pauseMs = 5;

/** Milliseconds that one small GET takes, again and again while something else is under way. */
export async function readLatencies(
  apiUrl: string,
  credentials: Credentials,
  during: Promise<unknown>,
): Promise<number[]> {
  const reader = new Connections(apiUrl, credentials, 1);
  const waits: number[] = [];
  const state = { isOver: false };
  const over = () => {
    state.isOver = true;
  };
  during.then(over, over);
  try {
    while (!state.isOver) {
      const startedMs = performance.now();
      await reader.each(1, () => ['GET', path, undefined]);
      waits.push(performance.now() - startedMs);
      await pause(pauseMs);
    }
  } finally {
    reader.close();
  }
  return waits;
}
