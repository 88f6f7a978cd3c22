import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { isReason } from '@gantry/base';
import type { Session } from '../session.js';
import { askForJson, askNode } from './node-request.js';
import type { ProgressLine } from './progress-line.js';

/** Images that one node gets from another. */
export interface Copy {
  readonly from: string;
  readonly to: string;
  readonly names: readonly string[];
  readonly pin: boolean;
}

/** Most bytes that wait here between two nodes. */
const maxWaitingBytes = 4 << 20;

/** Lets the node fetch the images from the other one, or passes them through here where it cannot. */
export async function copyOrRelay(
  session: Session,
  { from, to, names, pin }: Copy,
  line: ProgressLine,
): Promise<object> {
  const tell = (progress: object) => line.update(to, progress);
  try {
    const query = { image: names, from, pin };
    return await askForJson(session, { node: to, verb: 'copy', query, onProgress: tell });
  } catch (error) {
    session.signal.throwIfAborted();
    const isWay = isReason(error, 'BadRequest') || isReason(error, 'ServiceUnavailable');
    if (!isWay) throw error;
    tell({ phase: `passing it on from ${from}` });
    const input = between((put) =>
      askNode(session, { node: from, verb: 'save', query: { image: names }, onOutput: put }),
    );
    return askForJson(session, { node: to, verb: 'load', query: { pin }, input, onProgress: tell });
  }
}

/** Turns what `produce` puts into something to iterate; putting waits while much is waiting. */
export async function* between(
  produce: (put: (chunk: Buffer) => Promise<void>) => Promise<void>,
): AsyncGenerator<Buffer> {
  const pass = new PassThrough({ highWaterMark: maxWaitingBytes });
  const put = async (chunk: Buffer) => {
    if (!pass.write(chunk)) await Promise.race([once(pass, 'drain'), once(pass, 'close')]);
    if (pass.destroyed) throw new Error('the node to load it left');
  };
  produce(put).then(
    () => pass.end(),
    (error: Error) => pass.destroy(error),
  );
  yield* pass as AsyncIterable<Buffer>;
}
