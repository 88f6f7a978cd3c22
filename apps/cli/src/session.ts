import {
  ApiClient,
  loadKubeconfig,
  resolveContext,
  type ApiClientOptions,
  type ClusterConfig,
  type Kubeconfig,
} from '@gantry/client';
import { kubeconfigPaths } from './kubeconfig-paths.js';
import { ResourceCatalog } from './resources/catalog.js';
import { paintError, type Terminal } from './terminal.js';
import { UsageError } from './usage-error.js';
import { version } from './version.js';

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly requestTimeout?: string;
}

/** Seconds as a plain number or with a unit: `90`, `90s`, `5m`, `1h`. */
export function parseDuration(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const units: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
  const unit = match && units[match[2] ?? 's'];
  if (!match || !unit) {
    throw new UsageError(`${flag}: "${text}" is no duration; write for example 90s, 5m or 1h`);
  }
  return Number(match[1]) * unit;
}

/** What a command works with: the cluster, the namespace, the terminal. Made at first need. */
export class Session {
  readonly catalog: ResourceCatalog;
  private config?: Kubeconfig;
  private configFault: unknown;
  private cachedCluster?: ClusterConfig;
  private cachedClient?: ApiClient;

  constructor(
    readonly terminal: Terminal,
    readonly flags: GlobalFlags,
    readonly env: NodeJS.ProcessEnv,
    /** Aborted at the first interrupt. */
    readonly signal: AbortSignal,
    private readonly clientOptions: ApiClientOptions = {},
  ) {
    this.catalog = new ResourceCatalog(() => this.client);
  }

  /** Reads the kubeconfig. A fault waits for the first use, since some commands need no cluster. */
  async prepare(): Promise<void> {
    try {
      this.config = await loadKubeconfig(kubeconfigPaths(this.flags.kubeconfig, this.env));
    } catch (error) {
      this.configFault = error;
    }
  }

  get kubeconfig(): Kubeconfig {
    if (!this.config) throw this.configFault;
    return this.config;
  }

  get cluster(): ClusterConfig {
    this.cachedCluster ??= resolveContext(this.kubeconfig, this.flags.context);
    return this.cachedCluster;
  }

  get client(): ApiClient {
    const { requestTimeout } = this.flags;
    this.cachedClient ??= new ApiClient(this.cluster, {
      userAgent: `gantry/${version}`,
      attempts: 3,
      timeoutMs: requestTimeout ? parseDuration(requestTimeout, '--request-timeout') : undefined,
      onWarning: (warning) =>
        this.terminal.err(`${paintError(this.terminal, 'yellow', 'Warning:')} ${warning}\n`),
      ...this.clientOptions,
    });
    return this.cachedClient;
  }

  get namespace(): string {
    return this.flags.namespace ?? this.cluster.namespace ?? 'default';
  }

  close(): void {
    this.cachedClient?.close();
  }
}
