import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Scheduler } from '@gantry/scheduler';
import { Random } from './random.ts';
import { smallWorkload } from './workload.ts';

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Objects and arrays of the process that are in use, in MiB. */
export function mebibytesUsed(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}

/** What a snapshot of this many nodes with an index and this many pods takes, in MiB; with the pods' uids. */
export function mebibytesFor(nodes: number, pods: number, seed: number): number {
  const before = mebibytesUsed();
  const random = new Random(seed);
  const { snapshot, arrival } = smallWorkload(nodes, seed);
  const scheduler = new Scheduler(snapshot);
  for (let i = 0; i < pods; i++) {
    const handle = arrival(random);
    const { node, slot } = scheduler.decide(handle);
    if (node === undefined) throw new Error(`pod ${i} of ${pods} fits on none of ${nodes} nodes`);
    snapshot.hold(randomUUID(), handle, slot);
  }
  const after = mebibytesUsed();
  if (snapshot.podCount !== pods) throw new Error(`${snapshot.podCount} of ${pods} pods are held`);
  return after - before;
}
