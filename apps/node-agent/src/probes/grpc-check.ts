import { Client, credentials } from '@grpc/grpc-js';
import type { GRPCAction } from '@gantry/api';
import type { Outcome } from './check.js';

// grpc.health.v1: one string field in the request, one enum field in the answer (1 is SERVING). Small
// enough to write out instead of loading a schema.
const fieldOne = { string: 0x0a, varint: 0x08 } as const;
const serving = 1;

function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  if (name.length === 0) return Buffer.alloc(0);
  if (name.length > 127) throw new Error('grpc.service is longer than 127 bytes');
  return Buffer.concat([Buffer.from([fieldOne.string, name.length]), name]);
}

function decodeStatus(answer: Buffer): number {
  return answer[0] === fieldOne.varint ? (answer[1] ?? 0) : 0;
}

/** Asks the gRPC health checking protocol, in clear text; SERVING is success. */
export function grpcCheck(
  action: GRPCAction,
  podIP: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const client = new Client(`${podIP}:${action.port}`, credentials.createInsecure());
  return new Promise<Outcome>((resolve, reject) => {
    const call = client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      encodeRequest,
      decodeStatus,
      action.service ?? '',
      (error, status) => {
        if (error) reject(error);
        else
          resolve({ ok: status === serving, output: `service is not SERVING (status ${status})` });
      },
    );
    signal.addEventListener('abort', () => call.cancel(), { once: true });
  }).finally(() => client.close());
}
