import { generateKeyPairSync } from 'node:crypto';
import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import {
  keepaliveOptions,
  loadAgentProtocol,
  nodeCommonName,
  type Certificate__Output,
  type EnrollmentClient,
} from '@gantry/agent-protocol';
import { certificateRequest } from './certificate-request.js';
import type { Identity } from './identity.js';
import { fetchPinnedCa } from './pinned-ca.js';

/** How long a join or renewal may take, in milliseconds. */
const enrollmentTimeoutMs = 15_000;

/** The control plane refused for good: the message says what a person must do. */
export class RefusedError extends Error {}

const joinRefusals: Partial<Record<status, string>> = {
  [status.UNAUTHENTICATED]:
    'create a new join token on the control plane and start again with --token',
  [status.ALREADY_EXISTS]: 'choose another --node-name, or stop the node that holds this one',
  [status.INVALID_ARGUMENT]: 'check --node-name',
  [status.PERMISSION_DENIED]: 'the control plane does not let this node join',
};

type Answer = (error: ServiceError | null, certificate?: Certificate__Output) => void;

function call(run: (deadline: Date, answer: Answer) => unknown): Promise<Certificate__Output> {
  return new Promise((resolve, reject) => {
    run(new Date(Date.now() + enrollmentTimeoutMs), (error, certificate) => {
      if (error) reject(error);
      else resolve(certificate!);
    });
  });
}

function newRequest(nodeName: string): { keyPem: string; csrPem: string } {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = { commonName: nodeCommonName(nodeName), organization: 'system:nodes' };
  const keyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { keyPem, csrPem: certificateRequest(subject, keys) };
}

function toIdentity(keyPem: string, certificate: Certificate__Output): Identity {
  return { keyPem, certificatePem: certificate.certificatePem, caPem: certificate.caPem };
}

/** Where and as whom to join. */
export interface JoinOptions {
  readonly server: string;
  readonly caHash: string;
  readonly token: string;
  readonly nodeName: string;
}

/**
 * Trades the token for a certificate. Throws RefusedError or PinMismatchError when a person must act;
 * any other error may pass with time.
 */
export async function join(options: JoinOptions): Promise<Identity> {
  const ca = await fetchPinnedCa(options.server, options.caHash);
  const { Enrollment } = loadAgentProtocol();
  const client = new Enrollment(
    options.server,
    credentials.createSsl(Buffer.from(ca)),
    keepaliveOptions,
  );
  const { keyPem, csrPem } = newRequest(options.nodeName);
  try {
    const request = { token: options.token, nodeName: options.nodeName, csrPem };
    return toIdentity(
      keyPem,
      await call((deadline, answer) => client.join(request, { deadline }, answer)),
    );
  } catch (error) {
    const { code, details } = error as ServiceError;
    const advice = joinRefusals[code];
    if (advice) throw new RefusedError(`join refused: ${details}; ${advice}`, { cause: error });
    throw error;
  } finally {
    client.close();
  }
}

/** Asks for a new certificate with a new key, under the one in force. */
export async function renew(client: EnrollmentClient, nodeName: string): Promise<Identity> {
  const { keyPem, csrPem } = newRequest(nodeName);
  const certificate = await call((deadline, answer) =>
    client.renew({ csrPem }, { deadline }, answer),
  );
  return toIdentity(keyPem, certificate);
}
