import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '@gantry/api';
import type { Process, Spec } from '@gantry/runtime-client';
import type { ProbeTarget } from '../probes/check.js';
import { attemptPaths } from './paths.js';
import type { PodState } from './pod-state.js';
import type { Attempt } from './record.js';

/** The process that a bundle describes: a further one gets the same user, environment and limits. */
export async function bundleProcess(bundleDir: string): Promise<Process> {
  const spec = JSON.parse(await readFile(join(bundleDir, 'config.json'), 'utf8')) as Spec;
  return spec.process;
}

/** The running attempt of a container, as probes and hooks see it. */
export function probeTarget(state: PodState, container: Container, attempt: Attempt): ProbeTarget {
  const { bundle } = attemptPaths(state.paths, container.name, attempt.attempt);
  return {
    container,
    containerId: attempt.id,
    podIP: state.record.sandbox?.ips[0] ?? '127.0.0.1',
    process: () => bundleProcess(bundle),
  };
}
