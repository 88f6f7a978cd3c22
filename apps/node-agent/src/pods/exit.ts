import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Container } from '@gantry/api';
import type { ExitRecord } from '@gantry/runtime-client';
import { tailLines } from '../streams/log-tail.js';
import { deathSentence } from './death-sentence.js';
import type { AttemptPaths } from './paths.js';
import type { AttemptExit } from './record.js';

/** A termination message is cut to this many bytes, as Kubernetes does. */
const messageLimit = 4096;

/** What stands in for a message under FallbackToLogsOnError. */
const fallbackLines = 80;
const fallbackBytes = 2048;

function reasonOf(exit: ExitRecord): string {
  if (exit.oomKilled) return 'OOMKilled';
  return exit.exitCode === 0 ? 'Completed' : 'Error';
}

async function readMessage(path: string): Promise<string> {
  // The container wrote it and could have put a link or a pipe in its place.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => undefined);
  if (!file) return '';
  try {
    if (!(await file.stat()).isFile()) return '';
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(messageLimit) });
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await file.close();
  }
}

/** What the status says about an attempt that ended, with its termination message. */
export async function attemptExit(
  exit: ExitRecord,
  container: Container,
  paths: AttemptPaths,
  startedAt: string | undefined,
): Promise<AttemptExit> {
  const death = deathSentence(exit);
  let message = await readMessage(paths.terminationLog);
  const fallback = container.terminationMessagePolicy === 'FallbackToLogsOnError';
  if (message === '' && fallback && exit.exitCode !== 0) {
    // A lost monitor tells no output; then the log is all there is.
    message = exit.lastOutput ?? (await tailLines(paths.log, fallbackLines, fallbackBytes));
  }
  return {
    exitCode: exit.exitCode,
    ...(exit.signal ? { signal: exit.signal } : {}),
    reason: reasonOf(exit),
    message: message || death,
    death,
    startedAt: startedAt ?? exit.startedAt,
    finishedAt: exit.finishedAt,
  };
}
