import type { Socket } from 'node:net';
import { unavailable } from '@gantry/base';
import { openSocket, requestLine } from './launcher-connection.js';
import { readLauncherLine } from './native-boundary.js';

/** An answer line that is longer is not from the launcher. */
const maxAnswerBytes = 64 * 1024;
const newline = 10;

/**
 * Asks for a session on a fresh connection and resolves with it, paused, once the launcher has
 * agreed; from there on it carries frames.
 */
export async function openSessionSocket(
  socketPath: string,
  op: 'exec' | 'attach',
  fields: object,
  signal?: AbortSignal,
): Promise<Socket> {
  const line = requestLine(1, op, fields);
  const socket = await openSocket(socketPath).catch((cause: Error) => {
    throw unavailable(`${op}: gantry-monitor does not answer`, { cause });
  });
  try {
    socket.write(line);
    const answer = readLauncherLine(await firstLine(socket, op, signal));
    if (answer.kind === 'error') throw answer.error;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function firstLine(socket: Socket, op: string, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const onAbort = () => finish(() => reject(signal?.reason));
    const onError = (cause: Error) => finish(() => reject(unavailable(`${op}: failed`, { cause })));
    const onClose = () => onError(new Error('gantry-monitor has hung up'));
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf(newline);
      if (end < 0 && received.length > maxAnswerBytes) onError(new Error('answer is too long'));
      if (end < 0) return;
      finish(() => resolve(received.subarray(0, end).toString('utf8')));
      // The first frames may have come with the answer.
      if (end + 1 < received.length) socket.unshift(received.subarray(end + 1));
    };
    const finish = (settle: () => void) => {
      socket.pause();
      socket.off('data', onData).off('error', onError).off('close', onClose);
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('data', onData).on('error', onError).on('close', onClose);
  });
}
