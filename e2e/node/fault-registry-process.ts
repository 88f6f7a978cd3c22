// A registry behind a proxy that fails as it is told: one JSON command per line in, one JSON answer per line out. For
// running inside a test's own network namespace; ends with its stdin.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { buildImage, FaultProxy, pushImage, startRegistry, type BuiltImage } from '@gantry/testing';
import { busyboxLayer } from './busybox-layer.ts';
import type { Command, Rule } from './fault-registry.ts';

const registry = await startRegistry();
const proxy = await FaultProxy.start(registry.host);
const images = new Map<string, BuiltImage>();

/** Its second layer, the larger one, is of random bytes. */
async function push(name: string, mebibytes: number): Promise<string> {
  const data = { name: 'data', content: randomBytes(mebibytes << 20) };
  const config = { Env: ['PATH=/bin'], Cmd: ['sleep', '100000'] };
  const layers = [
    { entries: await busyboxLayer() },
    { entries: [data], compression: 'none' as const },
  ];
  const image = buildImage({ layers, config });
  images.set(name, image);
  await pushImage(`${registry.host}/${name}`, image);
  return `${proxy.host}/${name}`;
}

const largeLayer = (name: string) => images.get(name)!.layers[1]!;

function obey(rules: readonly Rule[]): void {
  const left = rules.map(({ times = Infinity }) => times);
  proxy.fault = ({ method, path }) => {
    const found = rules.findIndex((rule, i) => {
      const part = rule.layerOf ? largeLayer(rule.layerOf).descriptor.digest : '/manifests/';
      return method === 'GET' && path.includes(part) && left[i]! > 0;
    });
    if (found < 0) return undefined;
    left[found]! -= 1;
    const { fault, layerOf } = rules[found]!;
    // As long as the right one, so that only its digest tells.
    if (fault === 'wrong') return { body: Buffer.alloc(largeLayer(layerOf!).blob.length) };
    return fault;
  };
}

async function execute(command: Command): Promise<unknown> {
  if ('push' in command) return push(command.push, command.mebibytes);
  if ('rules' in command) return obey(command.rules);
  if ('link' in command) return command.link === 'cut' ? proxy.cut() : proxy.mend();
  const asked = proxy.gets(largeLayer(command.ranges).descriptor.digest);
  return asked.map(({ headers }) => headers.range ?? '');
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await execute(JSON.parse(line) as Command);
  process.stdout.write(`${JSON.stringify(answer ?? null)}\n`);
}
await proxy.close();
await registry.stop();
