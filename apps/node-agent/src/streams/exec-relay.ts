import type { Readable } from 'node:stream';
import type { Frame__Output } from '@gantry/agent-protocol';
import { Channel, type ExecSession } from '@gantry/runtime-client';
import { exitStatus, type Relay } from './relay.js';

function resize(session: ExecSession, payload: Buffer): void {
  try {
    const { Width: width, Height: height } = JSON.parse(payload.toString('utf8')) as Record<
      string,
      number
    >;
    if (Number.isInteger(width) && Number.isInteger(height)) {
      session.resize({ width: width!, height: height! });
    }
  } catch {
    // A size that cannot be read is no reason to end the session.
  }
}

function feed(relay: Relay, session: ExecSession, frame: Frame__Output): void {
  const { channel, payload } = frame;
  if (channel === Channel.resize) return resize(session, payload);
  if (channel === Channel.close && payload[0] === Channel.stdin) return void session.stdin?.end();
  if (channel !== Channel.stdin || !session.stdin || session.stdin.writableEnded) return;
  if (!session.stdin.write(payload)) {
    relay.pause();
    session.stdin.once('drain', () => relay.resume());
  }
}

async function pump(relay: Relay, stream: Readable, channel: number): Promise<void> {
  for await (const chunk of stream) await relay.write(channel, chunk as Buffer);
}

/** Joins a session with its caller: input in, output out, then the exit as the final status. */
export async function relaySession(
  relay: Relay,
  session: ExecSession,
  wanted: { stdout: boolean; stderr: boolean },
): Promise<void> {
  session.stdin?.on('error', () => undefined);
  relay.onFrame((frame) => feed(relay, session, frame));
  relay.signal.addEventListener('abort', () => session.close(), { once: true });
  const outputs: [Readable, number, boolean][] = [
    [session.stdout, Channel.stdout, wanted.stdout],
    [session.stderr, Channel.stderr, wanted.stderr],
  ];
  const pumps = outputs.map(([stream, channel, isWanted]) => {
    if (isWanted) return pump(relay, stream, channel);
    stream.resume();
    return Promise.resolve();
  });
  const code = await session.exit;
  await Promise.all(pumps);
  relay.finish(exitStatus(code));
}
