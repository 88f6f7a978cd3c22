import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { end } from './process.ts';

/** What is started unless a test names another copy. */
export const controlPlaneDist = join(import.meta.dirname, '../../apps/control-plane/dist');
const startTimeoutMs = 30_000;

/** A control plane that runs as its own process, as users start it. */
export interface ControlPlaneProcess {
  readonly child: ChildProcess;
  /** `https://127.0.0.1:PORT`. */
  readonly apiUrl: string;
  /** `127.0.0.1:PORT`. */
  readonly gateway: string;
  /** Its first lines of log, as they come. */
  readonly said: readonly string[];
}

export interface ControlPlaneOptions {
  readonly dataDir: string;
  /** Value of --store. */
  readonly store: string;
  readonly flags?: readonly string[];
  /** Holds bundle/gantry-control-plane.js. */
  readonly dist?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Until it leads (default 30,000). */
  readonly timeoutMs?: number;
}

/** Starts the control plane on free ports and resolves when it leads; throws with its last words. */
export async function startControlPlane(
  options: ControlPlaneOptions,
): Promise<ControlPlaneProcess> {
  const { dataDir, store, flags = [], timeoutMs = startTimeoutMs } = options;
  const { dist = controlPlaneDist, env = {} } = options;
  const program = join(dist, 'bundle/gantry-control-plane.js');
  const args = [`--data-dir=${dataDir}`, `--store=${store}`, '--bind-address=127.0.0.1'];
  const ports = ['--api-port=0', '--gateway-port=0'];
  const child = spawn(process.execPath, [program, 'serve', ...args, ...ports, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  const said: string[] = [];
  const found = { api: 0, gateway: 0 };
  const leading = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (said.length < 100) said.push(line);
      found.api ||= Number(/"apiPort":(\d+)/.exec(line)?.[1] ?? 0);
      found.gateway ||= Number(/"gatewayPort":(\d+)/.exec(line)?.[1] ?? 0);
      if (line.includes('"msg":"leading"')) resolve();
    });
    child.once('exit', () => reject(new Error(`the control plane ended:\n${said.join('\n')}`)));
    setTimeout(() => reject(new Error(`not leading:\n${said.join('\n')}`)), timeoutMs).unref();
  });
  await leading.catch(async (error: unknown) => {
    await end(child);
    throw error;
  });
  const [apiUrl, gateway] = [`https://127.0.0.1:${found.api}`, `127.0.0.1:${found.gateway}`];
  return { child, apiUrl, gateway, said };
}

/** What a client needs of an administrator's kubeconfig, in PEM. */
export interface Credentials {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Reads the kubeconfig that a control plane writes into its data directory. */
export async function adminCredentials(dataDir: string): Promise<Credentials> {
  const file = join(dataDir, 'admin.kubeconfig');
  const { clusters, users } = JSON.parse(await readFile(file, 'utf8'));
  const decoded = (text: string) => Buffer.from(text, 'base64').toString();
  return {
    ca: decoded(clusters[0].cluster['certificate-authority-data']),
    certificate: decoded(users[0].user['client-certificate-data']),
    key: decoded(users[0].user['client-key-data']),
  };
}
