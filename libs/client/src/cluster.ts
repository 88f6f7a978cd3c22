/** How to reach one cluster as one user; all in PEM, nothing read from files any more. */
export interface ClusterConfig {
  /** `https://HOST:PORT`, with a path where there is one. */
  readonly server: string;
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly token?: string;
  readonly username?: string;
  readonly password?: string;
  /** Name to expect in the server's certificate instead of the host's. */
  readonly serverName?: string;
  /** Do not verify the server at all; anyone in between may read and forge. */
  readonly insecureSkipTlsVerify?: boolean;
  /** Namespace of commands that name none. */
  readonly namespace?: string;
}
