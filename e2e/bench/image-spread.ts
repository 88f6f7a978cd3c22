/**
 * `npm run bench -- image-spread`: three hosts pull the same cold image of five layers at the same moment. How many
 * bytes the registry sends for it, over those of the image (1 is each layer once), and how long it takes until all
 * three have it, against one host that pulls it alone.
 */
import { performance } from 'node:perf_hooks';
import { Cluster } from '../cluster/cluster.ts';
import { RegistryMeter } from '../images/registry-meter.ts';
import type { Report } from './report.ts';
import { summarize } from './statistics.ts';

const rounds = 3;
const layers = 5;
const layerMebibytes = 32;
const registry = '10.99.0.10:5000';

interface Pull {
  readonly seconds: number;
  /** Bytes that the registry sent, over those of the image's layers. */
  readonly cost: number;
}

/** Publishes an image that nobody has and pulls it onto the nodes that the flags name. */
async function pullFresh(
  cluster: Cluster,
  meter: RegistryMeter,
  name: string,
  nodes: readonly string[],
): Promise<Pull> {
  const node = '/opt/gantry/node_modules/.bin/node';
  const script = '/opt/gantry/e2e/images/push-random.ts';
  const line = `${node} ${script} ${name} ${layers} ${layerMebibytes} /opt/tools/busybox`;
  const size = Number(await cluster.control.shell(line));
  const begin = performance.now();
  const flags = nodes.flatMap((one) => ['--node', one]);
  const sent = await meter.during(() =>
    cluster.gantry(['image', 'pull', `${registry}/${name}`, ...flags]),
  );
  const seconds = (performance.now() - begin) / 1000;
  await cluster.gantry(['image', 'prune']);
  process.stderr.write(`${name}: ${seconds.toFixed(2)} s, ${(sent / size).toFixed(3)} times\n`);
  return { seconds, cost: sent / size };
}

export async function run(): Promise<Report> {
  const cluster = await Cluster.start();
  try {
    const meter = await RegistryMeter.start(cluster);
    const together: Pull[] = [];
    const alone: Pull[] = [];
    const names = cluster.nodes.map(({ name }) => name);
    for (let round = 0; round < rounds; round += 1) {
      alone.push(await pullFresh(cluster, meter, `alone:${round}`, names.slice(0, 1)));
      together.push(await pullFresh(cluster, meter, `together:${round}`, names));
    }
    const of = (pulls: readonly Pull[], key: keyof Pull) => pulls.map((pull) => pull[key]);
    const results = [
      summarize('registry_cost', 'times', of(together, 'cost'), { alone: of(alone, 'cost') }),
      summarize('three_hosts', 's', of(together, 'seconds'), { alone: of(alone, 'seconds') }),
    ];
    return { missing: [], results };
  } finally {
    await cluster.close();
  }
}
