import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectOutput, openSession } from './exec-session.js';
import { Channel, encodeFrames } from './frames.js';
import { LauncherConnection, openSocket } from './launcher-connection.js';
import { openSessionSocket } from './session-socket.js';

let dir: string;
let path: string;
let server: Server;
let onPeer: (peer: Socket) => unknown;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gantry-hostile-'));
  path = join(dir, 'socket');
  server = createServer((peer) => onPeer(peer.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(path, resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true });
});

/** A peer that answers every chunk with the same bytes. */
function answering(bytes: string | Buffer): (peer: Socket) => void {
  return (peer) => peer.on('data', () => peer.write(bytes));
}

describe('a launcher that does not keep to the protocol', () => {
  test.each([
    ['garbage', 'garbage\n'],
    ['no result', '{"id":1}\n'],
    ['an id of a wrong type', '{"id":"1","result":{}}\n'],
    ['a mistyped event', '{"event":"exit","exit":{"containerId":7}}\n'],
    ['an error without id', '{"error":{"step":"read request","message":"no"}}\n'],
    ['a line without end', Buffer.alloc(17 * 1024 * 1024, 'x')],
  ])('is left when it sends %s', async (_what, bytes) => {
    onPeer = answering(bytes);
    let closed: Error | undefined;
    const events = { onExit: () => undefined, onClose: (cause: Error) => (closed = cause) };
    const connection = new LauncherConnection(await openSocket(path), events);
    await expect(connection.request('container.list')).rejects.toThrow(
      /container.list|native side|read/,
    );
    expect(closed).toBeInstanceOf(Error);
    await expect(connection.request('container.list')).rejects.toThrow();
  });

  test('an answer that nobody asked for is ignored', async () => {
    onPeer = answering('{"id":99,"result":{}}\n{"id":1,"result":{"x":1}}\n');
    const events = { onExit: () => undefined, onClose: () => undefined };
    const connection = new LauncherConnection(await openSocket(path), events);
    expect(await connection.request('container.list')).toEqual({ x: 1 });
    connection.close();
  });

  test('answers are found however they are cut, in any order', async () => {
    const answers = '{"id":2,"result":{"n":"zwei ü"}}\n{"id":1,"result":{"n":1}}\n';
    const bytes = Buffer.from(answers);
    let requests = 0;
    onPeer = (peer) =>
      peer.on('data', (chunk: Buffer) => {
        requests += chunk.toString().split('\n').length - 1;
        if (requests < 2) return;
        for (let at = 0; at < bytes.length; at += 1) peer.write(bytes.subarray(at, at + 1));
      });
    const events = { onExit: () => undefined, onClose: () => undefined };
    const connection = new LauncherConnection(await openSocket(path), events);
    const both = [connection.request('a'), connection.request('b')];
    expect(await Promise.all(both)).toEqual([{ n: 1 }, { n: 'zwei ü' }]);
    connection.close();
  });
});

describe('a session that does not keep to the framing', () => {
  const agreed = '{"id":1,"result":{}}\n';
  const status = (json: string) => Buffer.concat(encodeFrames(Channel.status, Buffer.from(json)));

  async function session(bytes: Buffer, end = false) {
    onPeer = (peer) =>
      peer.once('data', () => {
        peer.write(Buffer.concat([Buffer.from(agreed), bytes]));
        if (end) peer.end();
      });
    return openSession(await openSessionSocket(path, 'exec', {}), { stdin: true });
  }

  test.each([
    ['a frame that is too long', Buffer.from([1, 255, 255, 255, 255])],
    ['a status that is not JSON', status('oops')],
    ['an exit code of a wrong type', status('{"exitCode":"0"}')],
    ['a reported error', status('{"error":{"step":"s","message":"m"}}')],
  ])('breaks at %s', async (_what, bytes) => {
    const opened = await session(bytes);
    await expect(collectOutput(opened)).rejects.toThrow('session of a container broke');
  });

  test('breaks when it ends before the status', async () => {
    const output = Buffer.concat(encodeFrames(Channel.stdout, Buffer.from('half')));
    const opened = await session(output, true);
    await expect(collectOutput(opened)).rejects.toThrow('session of a container broke');
  });

  test('frames that came with the answer, unknown and late ones do no harm', async () => {
    const frames = [
      ...encodeFrames(99, Buffer.from('?')),
      ...encodeFrames(Channel.stdout, Buffer.from('out')),
      status('{"exitCode":4}'),
      ...encodeFrames(Channel.stdout, Buffer.from('late')),
    ];
    const opened = await session(Buffer.concat(frames));
    expect(await collectOutput(opened)).toEqual({ exitCode: 4, stdout: 'out', stderr: '' });
    opened.stdin!.end('nobody reads this');
  });

  test.each([
    ['hangs up', ''],
    ['answers garbage', 'oops\n'],
    ['answers without end', 'x'.repeat(100_000)],
  ])('is refused when the launcher %s', async (_what, bytes) => {
    onPeer = (peer) => peer.once('data', () => peer.end(bytes));
    await expect(openSessionSocket(path, 'exec', {})).rejects.toThrow(/exec|not JSON/);
  });

  test('is given up when its signal aborts', async () => {
    onPeer = (peer) => peer.resume();
    const signal = AbortSignal.timeout(20);
    await expect(openSessionSocket(path, 'exec', {}, signal)).rejects.toThrow(/timeout/i);
  });
});
