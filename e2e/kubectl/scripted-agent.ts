import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Assign__Output,
  type ControlMessage__Output,
  type ExecRequest__Output,
  type LogRequest__Output,
  loadAgentProtocol,
  type OpenStream__Output,
} from '@gantry/agent-protocol';
import { type ClientDuplexStream, credentials } from '@grpc/grpc-js';

const execute = promisify(execFile);
const channels = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 };
const success = JSON.stringify({ metadata: {}, status: 'Success' });

export interface ScriptedAgentOptions {
  readonly directory: string;
  readonly gateway: string;
  readonly caPem: string;
  readonly token: string;
  readonly nodeName: string;
}

interface Identity {
  readonly caPem: string;
  readonly keyPem: string;
  readonly certificatePem: string;
}

type Relay = ClientDuplexStream<object, { channel: number; payload: Buffer }>;
const protocol = loadAgentProtocol();

/** Trades the token for a certificate, as a machine does that joins. */
async function enroll(options: ScriptedAgentOptions): Promise<Identity> {
  const { directory, gateway, caPem, token, nodeName } = options;
  const [key, request] = [join(directory, 'agent.key'), join(directory, 'agent.csr')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const subject = ['-subj', `/CN=system:node:${nodeName}`];
  await execute('openssl', ['req', '-new', ...curve, ...subject, '-keyout', key, '-out', request]);
  const client = new protocol.Enrollment(gateway, credentials.createSsl(Buffer.from(caPem)));
  const csrPem = await readFile(request, 'utf8');
  const certificatePem = await new Promise<string>((resolve, reject) => {
    client.join({ token, nodeName, csrPem }, (error, answer) =>
      error ? reject(error) : resolve(answer!.certificatePem),
    );
  });
  client.close();
  return { caPem, certificatePem, keyPem: await readFile(key, 'utf8') };
}

function node(name: string): object {
  const offers = { cpu: '4', memory: '8Gi', pods: '50', 'ephemeral-storage': '10Gi' };
  const conditions = [{ type: 'Ready', status: 'True', reason: 'Scripted' }];
  const labels = { 'kubernetes.io/hostname': name, scripted: 'yes' };
  return {
    metadata: { name, labels },
    status: { capacity: offers, allocatable: offers, conditions },
  };
}

/**
 * A node's agent that speaks the whole protocol but runs no container: pods are said to run, their log
 * is a script, and exec runs the command on this machine.
 */
export async function startScriptedAgent(
  options: ScriptedAgentOptions,
): Promise<() => Promise<void>> {
  const { caPem, keyPem, certificatePem } = await enroll(options);
  const [ca, key, certificate] = [caPem, keyPem, certificatePem].map((pem) => Buffer.from(pem));
  const client = new protocol.AgentGateway(
    options.gateway,
    credentials.createSsl(ca, key, certificate),
  );
  const session = client.session();
  const ended = new Promise<void>((resolve) => session.once('close', () => resolve()));
  session.on('error', () => undefined);
  const report = (assign: Assign__Output) => session.write(answerTo(assign));
  let sequence = 0;
  const heart = setInterval(() => session.write({ heartbeat: { sequence: ++sequence } }), 1_000);
  session.on('data', (message: ControlMessage__Output) => {
    for (const assign of message.snapshot?.pods ?? []) report(assign);
    if (message.assign) report(message.assign);
    if (message.openStream) void serve(client.relay(), message.openStream);
  });
  const nodeJson = Buffer.from(JSON.stringify(node(options.nodeName)));
  session.write({ hello: { agentVersion: 'scripted', nodeJson, pods: [], bootId: 'scripted' } });
  return async () => {
    clearInterval(heart);
    session.end();
    client.close();
    session.cancel();
    await ended;
  };
}

function answerTo({ pod: ref, podJson }: Assign__Output): object {
  const { metadata, spec } = JSON.parse(podJson.toString()) as {
    metadata: { deletionTimestamp?: string };
    spec: { containers: { name: string; image: string }[] };
  };
  if (metadata.deletionTimestamp) return { podGone: { pod: ref } };
  const startedAt = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const containerStatuses = spec.containers.map(({ name, image }) => ({
    name,
    image,
    imageID: '',
    ready: true,
    restartCount: 0,
    state: { running: { startedAt } },
  }));
  const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: 'True' }));
  const status = { phase: 'Running', startTime: startedAt, conditions, containerStatuses };
  return { podStatus: { pod: ref, statusJson: Buffer.from(JSON.stringify(status)) } };
}

async function serve(relay: Relay, order: OpenStream__Output): Promise<void> {
  relay.on('error', () => undefined);
  relay.write({ streamId: order.streamId });
  if (order.log) await sendLog(relay, order.log);
  if (order.exec) await runHere(relay, order.exec);
}

const send = (relay: Relay, channel: number, payload: string | Buffer) =>
  relay.write({ channel, payload: Buffer.from(payload) });

async function sendLog(relay: Relay, log: LogRequest__Output): Promise<void> {
  const lines = (log.previous ? ['former life'] : ['first', 'second', 'third']).slice(
    log.tailLines < 0 ? 0 : -log.tailLines || Infinity,
  );
  for (const line of lines) send(relay, channels.stdout, `${line}\n`);
  if (log.follow) {
    // The client has the rest already when this one comes, or it would not be a stream.
    await new Promise((resolve) => setTimeout(resolve, 200));
    send(relay, channels.stdout, 'followed\n');
  }
  send(relay, channels.status, success);
  relay.end();
}

function exitStatus(code: number): string {
  if (code === 0) return success;
  const causes = [{ reason: 'ExitCode', message: String(code) }];
  const message = `command terminated with non-zero exit code: ${code}`;
  const details = { causes };
  return JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', message, details });
}

async function runHere(relay: Relay, { command, stdin }: ExecRequest__Output): Promise<void> {
  const child = spawn(command[0]!, command.slice(1), {
    stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  child.stdout!.on('data', (bytes: Buffer) => send(relay, channels.stdout, bytes));
  child.stderr!.on('data', (bytes: Buffer) => send(relay, channels.stderr, bytes));
  relay.on('data', ({ channel, payload }: { channel: number; payload: Buffer }) => {
    if (channel === channels.stdin) child.stdin?.write(payload);
    if (channel === channels.close && payload[0] === channels.stdin) child.stdin?.end();
  });
  const code = await new Promise<number>((resolve) =>
    child.once('close', (c) => resolve(c ?? 137)),
  );
  send(relay, channels.status, exitStatus(code));
  relay.end();
}
