import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { ApiClient } from './api-client.js';
import { ExecSession } from './exec.js';
import { FaultyServer } from './testing/faulty-server.js';
import { makeTestCertificates } from './testing/test-certificates.js';

let server: FaultyServer;
let client: ApiClient;
let answer: (socket: WebSocket, url: string) => void;
const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v5.channel.k8s.io' });

beforeAll(async () => {
  server = await FaultyServer.start(makeTestCertificates());
  client = new ApiClient(server.cluster);
  server.server.on('upgrade', (request, socket, head) => {
    if (request.url?.includes('refused')) {
      const body = JSON.stringify({
        kind: 'Status',
        code: 404,
        reason: 'NotFound',
        message: 'pods "refused" not found',
      });
      socket.end(`HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => answer(accepted, request.url ?? ''));
  });
});

afterAll(async () => {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  client.close();
  await server.close();
});

const frame = (channel: number, text: string) =>
  Buffer.concat([Buffer.of(channel), Buffer.from(text)]);

function open(pod: string, more: { tty?: boolean } = {}) {
  const output = { stdout: '', stderr: '' };
  const session = ExecSession.open(client, {
    namespace: 'n',
    pod,
    container: 'c',
    command: ['sh', '-c', 'a b'],
    stdin: true,
    ...more,
    onStdout: (chunk) => (output.stdout += chunk.toString()),
    onStderr: (chunk) => (output.stderr += chunk.toString()),
  });
  return { session, output };
}

describe('exec', () => {
  it('carries the streams both ways and ends with the exit code', async () => {
    const received: string[] = [];
    answer = (socket, url) => {
      received.push(url);
      socket.on('message', (data: Buffer) => {
        received.push(`${data[0]}:${data.subarray(1).toString('latin1')}`);
        if (data[0] !== 255) return;
        socket.send(frame(1, 'out'));
        socket.send(frame(2, 'err'));
        const causes = [{ reason: 'ExitCode', message: '7' }];
        socket.send(
          frame(
            3,
            JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes } }),
          ),
        );
      });
    };
    const { session, output } = open('web');
    const opened = await session;
    opened.resize(80, 24);
    await opened.write(Buffer.from('in'));
    opened.closeStdin();
    expect(await opened.exitCode).toBe(7);
    expect(output).toEqual({ stdout: 'out', stderr: 'err' });
    expect(received).toEqual([
      '/api/v1/namespaces/n/pods/web/exec?container=c&command=sh&command=-c&command=a+b&stdin=true&stdout=true&stderr=true',
      '4:{"Width":80,"Height":24}',
      '0:in',
      '255:\0',
    ]);
  });

  it('with a terminal has no stderr of its own, and success is 0', async () => {
    let asked = '';
    answer = (socket, url) => {
      asked = url;
      socket.send(frame(3, JSON.stringify({ status: 'Success' })));
    };
    const { session } = open('web', { tty: true });
    expect(await (await session).exitCode).toBe(0);
    expect(asked).toMatch(/stdout=true&stderr=false&tty=true$/);
  });

  it('fails with the Status of the server', async () => {
    await expect(open('refused').session).rejects.toMatchObject({
      reason: 'NotFound',
      message: 'pods "refused" not found',
    });
    answer = (socket) =>
      socket.send(
        frame(
          3,
          JSON.stringify({ status: 'Failure', reason: 'InternalError', message: 'no shell' }),
        ),
      );
    await expect((await open('web').session).exitCode).rejects.toThrow('no shell');
  });

  it('fails when the connection is cut', async () => {
    answer = (socket) => socket.terminate();
    await expect((await open('web').session).exitCode).rejects.toThrow(/cut|reset/);
  });
});
