import { Server, ServerCredentials, credentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { loadAgentProtocol, nodeCommonName, nodeOfCommonName } from './index.js';
import type { AgentMessage__Output, ControlMessage, ControlMessage__Output } from './index.js';

let server: Server | undefined;
afterEach(() => server?.forceShutdown());

test('a session carries messages both ways with every default filled in', async () => {
  const protocol = loadAgentProtocol();
  server = new Server();
  server.addService(protocol.AgentGateway.service, {
    Session(call: ServerDuplexStream<AgentMessage__Output, ControlMessage>) {
      call.on('data', ({ hello }: AgentMessage__Output) => {
        call.write({ assign: { pod: hello?.pods[0], podJson: hello?.nodeJson } });
        call.end();
      });
    },
    Relay() {},
  });
  const port = await new Promise<number>((resolve, reject) => {
    server!.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const client = new protocol.AgentGateway(`127.0.0.1:${port}`, credentials.createInsecure());
  const stream = client.session();
  stream.write({ hello: { nodeJson: Buffer.from('{}'), pods: [{ uid: 'u', generation: 7 }] } });
  const got = await new Promise<ControlMessage__Output>((resolve, reject) => {
    stream.on('data', resolve).on('error', reject);
  });
  client.close();
  expect(got.message).toBe('assign');
  expect(got.assign?.pod).toEqual({ uid: 'u', namespace: '', name: '', generation: 7 });
  expect(got.assign?.podJson.toString()).toBe('{}');
});

test('the generated code is what proto/ says', () => {
  const script = fileURLToPath(new URL('../scripts/generate.mjs', import.meta.url));
  expect(() => execFileSync(process.execPath, [script, '--check'])).not.toThrow();
});

test('a common name speaks for one node or for none', () => {
  expect(nodeOfCommonName(nodeCommonName('one'))).toBe('one');
  for (const name of [undefined, '', 'one', 'system:node:', 'system:admin']) {
    expect(nodeOfCommonName(name)).toBeUndefined();
  }
});
