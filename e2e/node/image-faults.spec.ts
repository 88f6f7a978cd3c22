import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { checkout } from '../cluster/cluster.ts';
import { eventually } from '../cluster/process.ts';
import { FaultRegistry, type Rule } from './fault-registry.ts';
import { main, PodBed } from './pod-bed.ts';
import type { PodView, SingleHost } from './single-host.ts';

const diskMebibytes = 160;
const garbage = ['--image-gc-period', '1', '--image-gc-minimum-age', '0'];
const pressureTaint = 'node.kubernetes.io/disk-pressure';

let bed: PodBed;
let host: SingleHost;
let registry: FaultRegistry;

beforeAll(async () => {
  bed = await PodBed.start(garbage, diskMebibytes);
  host = bed.host;
  registry = FaultRegistry.start(host);
});
afterAll(async () => {
  await registry?.stop();
  await host?.close();
});

afterEach(async () => {
  await registry.fail();
  await bed.clear();
});

const waiting = (pod: PodView) => main(pod).state.waiting;
const saying = (text: string) => (pod: PodView) => waiting(pod)?.message?.includes(text) ?? false;
const isRunning = (pod: PodView) => main(pod).state.running !== undefined;
const running = (name: string) => host.podUntil(name, 'running', isRunning, 90_000);
const pod = (name: string, image: string, spec: object = {}) =>
  bed.run(name, { container: { image }, spec });

/** Every blob of the store has the content that its name says. */
async function expectClean(): Promise<void> {
  const program = join(checkout, 'native/target/release/gantry-layers');
  const { stdout } = await host.inside([program, 'verify', '--store', host.path('data/images')]);
  expect(JSON.parse(stdout)).toMatchObject({ damaged: [] });
}

async function nodeSays(type: string): Promise<string | undefined> {
  const node = JSON.parse(await host.must(['get', 'node', host.nodeName, '-o', 'json'])) as {
    status: { conditions: { type: string; status: string; message: string }[] };
  };
  const found = node.status.conditions.find((condition) => condition.type === type);
  return found && `${found.status}: ${found.message}`;
}

const taints = () => host.must(['get', 'node', host.nodeName, '-o', 'jsonpath={.spec.taints}']);

/** Bytes of the large layer that are on the node's disk already. */
async function received(name: string): Promise<number> {
  const script = `stat -c %s ${host.path('data/images/ingest')}/*/blob 2>/dev/null || echo 0`;
  const { stdout } = await host.inside(['sh', '-c', script]);
  const sizes = stdout.trim().split('\n').map(Number);
  expect(sizes, name).not.toContain(Number.NaN);
  return Math.max(...sizes);
}

describe('a registry that fails', () => {
  test.each<[string, (name: string) => Rule[], string]>([
    [
      'asks for patience',
      () => [{ times: 1, fault: { status: 429, headers: { 'retry-after': '3' } } }],
      'answered 429',
    ],
    [
      'errs for a while',
      (name) => [{ layerOf: name, times: 4, fault: { status: 500 } }],
      'answered 500',
    ],
  ])('and %s makes a pod wait, which says so', async (_, rules, why) => {
    const name = `patience:${why.slice(-3)}`;
    const image = await registry.push(name, 1);
    await registry.fail(...rules(name));
    await pod('patient', image);
    await host.podUntil('patient', why, saying(why));
    await running('patient');
    await expectClean();
  });

  test('and sends half a blob is asked for the rest', async () => {
    const image = await registry.push('half:1', 4);
    await registry.fail({ layerOf: 'half:1', times: 1, fault: { cutAfter: 2 << 20 } });
    await pod('halved', image);
    await running('halved');
    expect(await registry.ranges('half:1')).toEqual(['', `bytes=${2 << 20}-`]);
    await expectClean();
  });

  test('and sends another blob is not believed; the pod says why, and runs once it is right', async () => {
    const image = await registry.push('wrong:1', 1);
    await registry.fail({ layerOf: 'wrong:1', fault: 'wrong' });
    await pod('misled', image);
    const told = await host.podUntil(
      'misled',
      'refused',
      saying('the registry sent other content'),
    );
    expect(waiting(told)?.reason).toMatch(/^(ErrImagePull|ImagePullBackOff)$/);
    await expectClean();
    await registry.fail();
    await running('misled');
    await expectClean();
  });
});

describe('a pull', () => {
  test('goes on after its agent was killed in the middle', async () => {
    const image = await registry.push('killed:1', 8);
    await registry.fail({ layerOf: 'killed:1', fault: { bytesPerSecond: 1 << 20 } });
    await pod('survivor', image);
    await eventually('half of it', async () => (await received('killed:1')) > 3 << 20);
    host.killAgent();
    await expectClean();
    await registry.fail();
    host.startAgent();
    await running('survivor');
    const [first, second] = await registry.ranges('killed:1');
    expect(first).toBe('');
    expect(Number(/^bytes=(\d+)-$/.exec(second ?? '')?.[1])).toBeGreaterThan(2 << 20);
    await expectClean();
  });

  test('goes on after the link was cut, and tells of it meanwhile', async () => {
    const image = await registry.push('cut:1', 8);
    await registry.fail({ layerOf: 'cut:1', fault: { bytesPerSecond: 1 << 20 } });
    await pod('linked', image);
    await eventually('half of it', async () => (await received('cut:1')) > 3 << 20);
    await registry.link('cut');
    await host.podUntil('linked', 'the cut', saying('trying again in'));
    await registry.fail();
    await registry.link('mended');
    await running('linked');
    const [first, second] = await registry.ranges('cut:1');
    expect(first).toBe('');
    expect(Number(/^bytes=(\d+)-$/.exec(second ?? '')?.[1])).toBeGreaterThan(2 << 20);
    await expectClean();
  });
});

/** Fills the node's disk but for so many MiB. */
async function fillBut(mebibytes: number): Promise<void> {
  const data = host.path('data');
  const free = `$(( $(stat -f -c '%a * %S' ${data}) - ${mebibytes << 20} ))`;
  const { code, stderr } = await host.inside(['sh', '-c', `fallocate -l ${free} ${data}/filler`]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
}

test('a full disk is told and survived: no new pods, then room is made and all goes on', async () => {
  const images = [await registry.push('holder:1', 20), await registry.push('big:1', 12)];
  await pod('holder', images[0]!);
  await running('holder');
  // What the pods before have left would be collected in the middle, and make room.
  await eventually('no other image to be there', async () => {
    await host.gantry(['image', 'prune']);
    const { stdout } = await host.gantry(['image', 'ls', '--no-headers']);
    return stdout.trim().split('\n').length === 1 && stdout.includes(images[0]!);
  });
  await fillBut(6);
  await pod('big', images[1]!);
  const failed = await host.podUntil('big', 'disk full', saying('no space left on the device'));
  expect(waiting(failed)?.message).toContain('free space on the image file system');
  await expectClean();

  await eventually('the pressure', async () =>
    (await nodeSays('DiskPressure'))?.startsWith('True'),
  );
  expect(await nodeSays('DiskPressure')).toContain('gantry image prune');
  await eventually('the taint', async () => (await taints()).includes(pressureTaint));
  await pod('newcomer', host.image);
  const unscheduled = ({ status }: PodView) =>
    status.conditions.some((c) => c.type === 'PodScheduled' && c.status === 'False');
  const shy = await host.podUntil('newcomer', 'not scheduled', unscheduled);
  expect(JSON.stringify(shy.status.conditions)).toContain(pressureTaint);
  await pod('tolerant', host.image, { tolerations: [{ key: pressureTaint, operator: 'Exists' }] });
  await running('tolerant');

  // Nobody uses its image any more, so that the next look at the disk removes it.
  await host.must(['delete', 'pod', 'holder', '--grace-period=0', '--force']);
  const events = () => host.must(['get', 'events', '-A', '-o', 'jsonpath={.items[*].message}']);
  await eventually('the image to be collected', async () => (await events()).includes(images[0]!));
  await eventually('relief', async () => (await nodeSays('DiskPressure'))?.startsWith('False'));
  await running('newcomer');
  await running('big');
  expect(await taints()).not.toContain(pressureTaint);
  await expectClean();
});
