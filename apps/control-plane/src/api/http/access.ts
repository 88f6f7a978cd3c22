import type { IncomingMessage } from 'node:http';
import type { UserInfo } from '../subresources/registry.js';

/** What somebody wants to do, in the terms of Kubernetes' authorization. */
export interface AccessAttributes {
  readonly verb: string;
  /** Set for requests outside of the resources, such as /version or discovery. */
  readonly path?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** Who may do what; provided by the authentication module. */
export interface Access {
  /** Unauthorized when the request carries no valid credential. */
  authenticate(request: IncomingMessage): Promise<UserInfo>;
  /** Forbidden, with a message that names user, verb and resource. */
  authorize(user: UserInfo, attributes: AccessAttributes): Promise<void>;
}
