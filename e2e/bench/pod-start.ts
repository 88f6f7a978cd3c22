/**
 * `npm run bench -- pod-start`: from the API call to Running, the image present. One pod at a time (20),
 * then 100 at once, on one machine: Gantry on its embedded store, and Docker Swarm where it is installed,
 * interleaved. Each side's client watches (Gantry) or polls every 5 ms (Docker).
 */
import { performance } from 'node:perf_hooks';
import { startDocker, type Docker } from './peers/docker.ts';
import { startGantry, type Gantry } from './peers/gantry.ts';
import { inNamespaces, type Options, type Report, type Result } from './report.ts';
import { summarize } from './statistics.ts';

const singles = 20;
const crowd = 100;
const crowdRounds = 3;

async function timed(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

interface Samples {
  readonly single: number[];
  readonly crowd: number[];
}

async function measure(side: Gantry | Docker, samples: Samples, round: number): Promise<void> {
  const each = Math.ceil(singles / crowdRounds);
  for (let i = 0; i < each && samples.single.length < singles; i++) {
    const name = `single-${round}-${i}`;
    samples.single.push(await timed(() => side.start(name, 1)));
    await side.remove(name);
  }
  samples.crowd.push(await timed(() => side.start(`crowd-${round}`, crowd)));
  await side.remove(`crowd-${round}`);
}

/** Measures both sides in turns, so that the machine's mood meets them alike. */
export async function run(options: Options): Promise<Report> {
  return inNamespaces('pod-start', options, async () => {
    const gantry = await startGantry();
    const docker = await startDocker(gantry.registry);
    const [ours, theirs]: [Samples, Samples] = [
      { single: [], crowd: [] },
      { single: [], crowd: [] },
    ];
    try {
      await gantry.start('warm', 1);
      await gantry.remove('warm');
      for (let round = 0; round < crowdRounds; round++) {
        await measure(gantry, ours, round);
        if (docker) await measure(docker, theirs, round);
      }
    } finally {
      await docker?.close();
      await gantry.close();
    }
    const compare = (name: 'single' | 'crowd', title: string): Result => ({
      ...summarize(title, 'ms', ours[name], { 'docker-swarm': theirs[name] }),
    });
    const results = [compare('single', 'start-1'), compare('crowd', `start-${crowd}`)];
    return { missing: docker ? [] : ['docker-swarm'], results };
  });
}
