import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectStore } from '@gantry/controller';
import { EtcdStore } from '@gantry/store';
import { type EtcdServer, HollowNodes, startEtcd, tool } from '@gantry/testing';
import { adminCredentials, startControlPlane } from '../cluster/control-plane-process.ts';
import { end, type Outcome, run as runToEnd } from '../cluster/process.ts';
import { startScriptedAgent } from './scripted-agent.ts';

const root = join(import.meta.dirname, '../..');

/** A control plane of its own on a real etcd, two nodes that only say what agents would, and kubectl. */
export interface KubectlCluster extends AsyncDisposable {
  /** The store, to be stopped and started again. */
  readonly etcd: EtcdServer;
  /** Joins a node whose agent speaks the whole protocol. */
  join(nodeName: string): Promise<void>;
  /** Runs kubectl to its end. */
  kubectl(args: string, input?: string): Promise<Outcome>;
  /** Like kubectl, but throws with everything that was said when it fails. */
  ok(args: string, input?: string): Promise<string>;
  /** Runs our own command line to its end. */
  gantry(args: string): Promise<Outcome>;
  /** Starts kubectl and leaves it running. */
  start(args: string): RunningKubectl;
  /** Resolves once kubectl's output matches; throws with the last output when it never does. */
  until(args: string, pattern: RegExp): Promise<string>;
}

export interface RunningKubectl extends AsyncDisposable {
  /** Resolves once all that it has said matches. */
  saying(pattern: RegExp): Promise<string>;
  /** Its exit code. */
  readonly ended: Promise<number>;
}

/** Splits at spaces outside of single quotes. */
function words(args: string): string[] {
  return (args.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replaceAll("'", ''));
}

async function poll<T>(what: () => string, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited 30 s for ${what()}`);
}

function running(argv: readonly string[]): RunningKubectl {
  const child = spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const ended = new Promise<number>((resolve) =>
    child.once('close', (code) => resolve(code ?? 137)),
  );
  return {
    ended,
    saying: (pattern) =>
      poll(
        () => `${pattern} in:\n${said}`,
        async () => (pattern.test(said) ? said : undefined),
      ),
    [Symbol.asyncDispose]: () => end(child),
  };
}

/** Nodes that report what agents would, straight to the store. */
async function startNodes(endpoint: string): Promise<() => Promise<void>> {
  const store = new EtcdStore({ endpoints: [endpoint] });
  const nodes = new HollowNodes({ objects: new ObjectStore(store) });
  const stop = new AbortController();
  const done = nodes.run(stop.signal);
  for (const name of ['node-a', 'node-b']) await nodes.connect({ name });
  return async () => {
    stop.abort();
    await done;
    await store.close();
  };
}

export async function startCluster(): Promise<KubectlCluster> {
  const cleanups: (() => Promise<unknown>)[] = [];
  const dispose = async () => {
    while (cleanups.length > 0) await cleanups.pop()!();
  };
  try {
    const directory = await mkdtemp(join(tmpdir(), 'gantry-kubectl-'));
    cleanups.push(() => rm(directory, { recursive: true, force: true }));
    const etcd = await startEtcd();
    cleanups.push(() => etcd.stop());
    const controlPlane = await startControlPlane({
      dataDir: directory,
      store: `etcd:${etcd.endpoint}`,
    });
    cleanups.push(() => end(controlPlane.child));
    cleanups.push(await startNodes(etcd.endpoint));
    const kubectl = await tool('kubectl');
    const cache = `--cache-dir=${join(directory, 'cache')}`;
    const kubeconfigFile = join(directory, 'admin.kubeconfig');
    const run = commands([kubectl, `--kubeconfig=${kubeconfigFile}`, cache]);
    const joinNode = async (nodeName: string) => {
      const { ca: caPem } = await adminCredentials(directory);
      const token = await run.ok('create -f - -o jsonpath={.status.token}', joinToken);
      const { gateway } = controlPlane;
      cleanups.push(await startScriptedAgent({ directory, gateway, caPem, token, nodeName }));
    };
    const program = join(root, 'apps/cli/dist/gantry.cjs');
    const gantry = (args: string) =>
      runToEnd([process.execPath, program, `--kubeconfig=${kubeconfigFile}`, ...words(args)], {});
    return { etcd, ...run, gantry, join: joinNode, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

const joinToken = JSON.stringify({
  apiVersion: 'gantry.dev/v1',
  kind: 'JoinToken',
  metadata: { generateName: 'kubectl-' },
  spec: { usesLeft: 1 },
});

function commands(
  prefix: readonly string[],
): Omit<KubectlCluster, 'etcd' | 'gantry' | 'join' | keyof AsyncDisposable> {
  const kubectl = (args: string, input?: string) =>
    runToEnd([...prefix, ...words(args)], { input });
  return {
    kubectl,
    async ok(args, input) {
      const { code, stdout, stderr } = await kubectl(args, input);
      if (code === 0) return stdout;
      throw new Error(`kubectl ${args} ended with ${code}:\n${stdout}\n${stderr}`);
    },
    start: (args) => running([...prefix, ...words(args)]),
    until(args, pattern) {
      let last = '';
      const probe = async () => {
        const { stdout, stderr } = await kubectl(args);
        last = stdout + stderr;
        return pattern.test(last) ? stdout : undefined;
      };
      return poll(() => `${pattern} from kubectl ${args}:\n${last}`, probe);
    },
  };
}
