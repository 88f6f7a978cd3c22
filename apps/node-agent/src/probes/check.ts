import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import type { Container, GRPCAction, HTTPGetAction, Probe, TCPSocketAction } from '@gantry/api';
import type { Process, RuntimeClient } from '@gantry/runtime-client';
import { grpcCheck } from './grpc-check.js';

/** The verdict of one probe and what it saw. */
export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** What is probed. */
export interface ProbeTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
  /** The container's own process, from which exec takes user, environment and limits. */
  readonly process: () => Promise<Process>;
}

/** As much of a probe's output is kept, in bytes. */
const outputLimit = 10 * 1024;

function portNumber(port: number | string, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find((one) => one.name === port)?.containerPort;
  const number = named ?? Number(port);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`the container has no port named "${port}"`);
}

/** Runs a command in the container; 0 is success. */
export async function execCheck(
  command: readonly string[],
  target: ProbeTarget,
  runtime: RuntimeClient,
  signal: AbortSignal,
): Promise<Outcome> {
  const process = { ...(await target.process()), args: [...command], terminal: false };
  const session = await runtime.exec(target.containerId, process, { signal });
  let output = '';
  for (const stream of [session.stdout, session.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      if (output.length < outputLimit) output += chunk.toString('utf8');
    });
  }
  const code = await session.exit;
  const text = output.slice(0, outputLimit).trim();
  return { ok: code === 0, output: text || `command exited with code ${code}` };
}

/** GET; 200 to 399 is success. Certificates are not checked: pods have no names to check them against. */
export function httpCheck(
  action: HTTPGetAction,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<Outcome> {
  const secure = action.scheme === 'HTTPS';
  const port = portNumber(action.port, target.container);
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`;
  const headers: Record<string, string> = { 'User-Agent': 'gantry-probe/1', Accept: '*/*' };
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  const options = { host: action.host ?? target.podIP, port, path, headers, signal, agent: false };
  return new Promise((resolve, reject) => {
    const answer = (response: http.IncomingMessage) => {
      response.destroy();
      const code = response.statusCode ?? 0;
      const ok = code >= 200 && code < 400;
      resolve({ ok, output: `HTTP probe failed with statuscode: ${code}` });
    };
    const request = secure
      ? https.get({ ...options, rejectUnauthorized: false }, answer)
      : http.get(options, answer);
    request.on('error', reject);
  });
}

/** A connection that opens is success. */
export function tcpCheck(
  action: TCPSocketAction,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<Outcome> {
  const port = portNumber(action.port, target.container);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: action.host ?? target.podIP, port, signal }, () => {
      socket.destroy();
      resolve({ ok: true, output: '' });
    });
    socket.on('error', reject);
  });
}

function dispatch(
  probe: Probe,
  target: ProbeTarget,
  runtime: RuntimeClient,
  signal: AbortSignal,
): Promise<Outcome> {
  if (probe.exec) return execCheck(probe.exec.command ?? [], target, runtime, signal);
  if (probe.httpGet) return httpCheck(probe.httpGet, target, signal);
  if (probe.tcpSocket) return tcpCheck(probe.tcpSocket, target, signal);
  return grpcCheck(probe.grpc as GRPCAction, target.podIP, signal);
}

/** Probes once, within the probe's timeout; every fault is a failed outcome that says what was seen. */
export async function check(
  probe: Probe,
  target: ProbeTarget,
  runtime: RuntimeClient,
  stop: AbortSignal,
): Promise<Outcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([stop, timeout]);
  try {
    return await dispatch(probe, target, runtime, signal);
  } catch (error) {
    const output = timeout.aborted
      ? `timed out after ${timeoutMs / 1000}s`
      : (error as Error).message;
    return { ok: false, output };
  }
}
