import { X509Certificate } from 'node:crypto';
import type {
  Certificate,
  JoinRequest__Output,
  RenewRequest__Output,
} from '@gantry/agent-protocol';
import { badRequest, GantryError, type Clock } from '@gantry/base';
import type { ObjectStore } from '@gantry/controller';
import { useJoinToken } from '../auth/join-tokens.js';
import type { Pki } from '../auth/pki.js';
import type { SessionKeys } from './session-keys.js';

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const nodeNamePattern = new RegExp(`^${label}(\\.${label})*$`);

/** Gives nodes their certificates. */
export class Enrollment {
  constructor(
    private readonly objects: ObjectStore,
    private readonly pki: Pki,
    private readonly keys: SessionKeys,
    private readonly clock: Clock,
  ) {}

  /**
   * A certificate for a join token. AlreadyExists while a node of that name is connected: otherwise a
   * token would be enough to take over a node in service.
   */
  async join({ token, nodeName, csrPem }: JoinRequest__Output): Promise<Certificate> {
    if (nodeName.length > 253 || !nodeNamePattern.test(nodeName)) {
      throw badRequest('node_name must be a DNS name in lower case');
    }
    if (await this.keys.find(nodeName)) {
      throw new GantryError('AlreadyExists', `a live node holds the name "${nodeName}"`);
    }
    await useJoinToken(this.objects, this.clock, token);
    return this.sign(csrPem, nodeName);
  }

  /** A new certificate for the node that asks. */
  renew(nodeName: string, { csrPem }: RenewRequest__Output): Promise<Certificate> {
    return this.sign(csrPem, nodeName);
  }

  private async sign(csrPem: string, nodeName: string): Promise<Certificate> {
    const { certificatePem } = await this.pki.signAgent(csrPem, nodeName);
    const notAfterMs = new X509Certificate(certificatePem).validToDate.getTime();
    return {
      certificatePem,
      caPem: this.pki.caPem,
      notAfterUnixSeconds: Math.floor(notAfterMs / 1000),
    };
  }
}
