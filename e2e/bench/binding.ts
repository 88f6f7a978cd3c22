/**
 * `npm run bench -- binding [--nodes 5000] [--pods 10000] [--rounds 3] [--members 1,3|no]
 * [--kube-scheduler PATH]`: from the create of a plain pod to its binding, both seen by clients of the API over
 * HTTPS: control plane, real etcd with fsync and all clients on this machine. `bound-N`: sustained, 64 creates in flight, etcd of N members; `idle`: one
 * pod at a time; `bound-deployment-N`: one Deployment with as many replicas, from its create to the last binding;
 * `processor-N` and `processor-deployment-N`: what the control plane itself takes of a core, which a busy machine
 * changes least; `read-N`: one small GET after another meanwhile. The nodes are hollow. A kube-scheduler whose program is
 * given then binds as many pods through the same API, for the ratio. `--thread main` has the scheduler
 * share the API's thread. `first-start-NODES-PODS` (`--restart 50000:1000000`, or `no`): from the start of a
 * process to its first binding in a cluster of that size, on etcd; `restart-NODES-PODS`: that of the next one on the
 * same machine, after a SIGTERM. A million pods of 2.3 kB take etcd 4 GiB of disk.
 * `--members no` measures that alone.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { processorMicros, residentMebibytes, startBed, type Bed } from './binding/bed.ts';
import { peerName, startKubeScheduler } from './binding/kube-scheduler.ts';
import { readLatencies } from './binding/reads.ts';
import { restart, type Start } from './binding/restart.ts';
import type { Flags, FlagUses } from './flags.ts';
import type { Options, Report } from './report.ts';
import { summarize, type Result } from './statistics.ts';

const namespace = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const idlePods = 200;
const warmUpPods = 2_000;

export const flags: FlagUses = {
  nodes: { takes: 'N', fallback: '5000' },
  pods: { takes: 'N', fallback: '10000' },
  rounds: { takes: 'N', fallback: '3' },
  members: { takes: 'N,…|no', fallback: '1,3' },
  'kube-scheduler': { takes: 'PATH' },
  thread: { takes: 'auto|own|main', fallback: 'auto' },
  restart: { takes: 'NODES:PODS|no', fallback: '1000:20000' },
};

const resources = { requests: { cpu: '100m', memory: '128Mi' } };
const containers = [{ name: 'main', image: 'registry.local/app:1', resources }];

function pod(name: string, schedulerName?: string): object {
  const metadata = { name, labels: { app: 'bench' } };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers, schedulerName } };
}

function deployment(name: string, replicas: number): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}

/** Pods per second from the first create to the last binding. */
async function sustained(
  bed: Bed,
  prefix: string,
  count: number,
  schedulerName?: string,
): Promise<number> {
  const names = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  const startedMs = performance.now();
  const created = bed.clients
    .each(count, (i) => ['POST', namespace, pod(names[i]!, schedulerName)])
    .then(() => performance.now() - startedMs);
  await bed.bound.all(names);
  const seconds = (performance.now() - startedMs) / 1_000;
  const creating = (await created) / 1_000;
  process.stderr.write(
    `${prefix}: ${(count / creating).toFixed(0)} created/s, ${(count / seconds).toFixed(0)} bound/s\n`,
  );
  return count / seconds;
}

/** Pods per second from the create of one Deployment to the binding of its last replica. */
async function deployed(bed: Bed, name: string, replicas: number): Promise<number> {
  const startedMs = performance.now();
  await Promise.all([
    bed.clients.each(1, () => ['POST', deployments, deployment(name, replicas)]),
    bed.bound.count(`${name}-`, replicas),
  ]);
  const rate = replicas / ((performance.now() - startedMs) / 1_000);
  process.stderr.write(`${name}: ${rate.toFixed(0)} bound/s\n`);
  return rate;
}

/** Milliseconds from the create to the binding, of pods that come alone. */
async function idle(bed: Bed): Promise<number[]> {
  const waits: number[] = [];
  for (let i = 0; i < idlePods; i += 1) {
    const name = `idle-${i}`;
    const startedMs = performance.now();
    await Promise.all([
      bed.clients.each(1, () => ['POST', namespace, pod(name)]),
      bed.bound.all([name]),
    ]);
    waits.push(bed.bound.boundMs.get(name)! - startedMs);
    await pause(20);
  }
  return waits;
}

/** The same with a kube-scheduler that binds instead of ours. */
async function peerRates(bed: Bed, program: string, pods: number, rounds: number) {
  await using peer = await startKubeScheduler(program, bed);
  const rates: number[] = [];
  await peer.during(sustained(bed, 'peer-warm-up', warmUpPods, peerName));
  for (let round = 0; round < rounds; round += 1) {
    rates.push(await peer.during(sustained(bed, `peer-${round}`, pods, peerName)));
  }
  return rates;
}

async function deploymentRounds(bed: Bed, members: number, pods: number, rounds: number) {
  const [rates, costs]: [number[], number[]] = [[], []];
  const pid = bed.controlPlane.child.pid!;
  for (let round = 0; round < rounds; round += 1) {
    const before = await processorMicros(pid);
    rates.push(await deployed(bed, `deployment-${members}-${round}`, pods));
    costs.push(((await processorMicros(pid)) - before) / pods);
  }
  return [
    summarize(`bound-deployment-${members}`, 'pods/s', rates),
    summarize(`processor-deployment-${members}`, 'µs/pod', costs),
  ];
}

async function measure(members: number, given: Flags): Promise<Result[]> {
  const [nodes, pods, rounds] = [
    given.number('nodes'),
    given.number('pods'),
    given.number('rounds'),
  ];
  const thread = given.text('thread');
  await using bed = await startBed(members, nodes, [`--scheduling-thread=${thread}`]);
  await sustained(bed, 'warm-up', warmUpPods);
  const waits = await idle(bed);
  const [rates, costs, reads]: [number[], number[], number[]] = [[], [], []];
  const pid = bed.controlPlane.child.pid!;
  for (let round = 0; round < rounds; round += 1) {
    const before = await processorMicros(pid);
    const binding = sustained(bed, `round-${members}-${round}`, pods);
    const { controlPlane, credentials } = bed;
    reads.push(...(await readLatencies(controlPlane.apiUrl, credentials, binding)));
    rates.push(await binding);
    costs.push(((await processorMicros(pid)) - before) / pods);
  }
  const fleet = await deploymentRounds(bed, members, pods, rounds);
  const resident = await residentMebibytes(pid);
  const program = given.find('kube-scheduler');
  const peers: Record<string, number[]> = {};
  if (program) peers[peerName] = await peerRates(bed, program, pods, rounds);
  return [
    summarize(`bound-${members}`, 'pods/s', rates, peers),
    summarize(members === 1 ? 'idle' : `idle-${members}`, 'ms', waits),
    summarize(`read-${members}`, 'ms', reads),
    summarize(`processor-${members}`, 'µs/pod', costs),
    ...fleet,
    summarize(`memory-${members}`, 'MiB', [resident]),
  ];
}

/** Seconds from the start of a control plane to its first binding, and what it takes of processors and memory. */
async function restarted(given: Flags): Promise<Result[]> {
  const sizes = given.text('restart');
  const [nodes = Number.NaN, pods = Number.NaN] = sizes.split(':').map(Number);
  if (!(nodes > 0 && pods >= 0)) throw given.refusal('restart', `${sizes} is neither`);
  const thread = given.text('thread');
  const { first, again } = await restart(nodes, pods, [`--scheduling-thread=${thread}`]);
  return [...startResults('first-start', first), ...startResults('restart', again)].map(
    ({ name, ...rest }) => ({ name: `${name}-${nodes}-${pods}`, ...rest }),
  );
}

function startResults(name: string, start: Start): Result[] {
  return [
    summarize(name, 's', [start.seconds]),
    summarize(`${name}-processor`, 's', [start.processorSeconds]),
    summarize(`${name}-memory`, 'MiB', [start.residentMebibytes]),
  ];
}

export async function run({ flags: given }: Options): Promise<Report> {
  const results: Result[] = [];
  const isRestartAlone = given.text('members') === 'no';
  for (const members of isRestartAlone ? [] : given.numbers('members')) {
    results.push(...(await measure(members, given)));
  }
  if (given.text('restart') !== 'no') results.push(...(await restarted(given)));
  return { missing: given.has('kube-scheduler') ? [] : ['kube-scheduler'], results };
}
