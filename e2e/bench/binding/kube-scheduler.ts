import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { end } from '../../cluster/process.ts';
import type { Bed } from './bed.ts';

/** Pods that name this scheduler are left to it. */
export const peerName = 'kube-scheduler';

/**
 * The client's own limit, four times the default. Without any, it opens a connection for each pod that waits, since
 * the API has no HTTP/2 over which they could share one, and nothing is done but handshakes.
 */
const limits = { qps: 100_000, burst: 100_000 };

export interface KubeScheduler extends AsyncDisposable {
  /** The same as `work`; rejects with its last words should it end before. */
  during<T>(work: Promise<T>): Promise<T>;
}

/**
 * Starts a kube-scheduler (1.25 or newer) against the bed's API, with the defaults of its release but for the limit
 * of its requests. It needs no account of its own: it uses the administrator's.
 */
export async function startKubeScheduler(program: string, bed: Bed): Promise<KubeScheduler> {
  const kubeconfig = join(bed.dataDir, 'admin.kubeconfig');
  const json = 'application/json';
  const config = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    clientConnection: { kubeconfig, contentType: json, acceptContentTypes: json, ...limits },
    leaderElection: { leaderElect: false },
    profiles: [{ schedulerName: peerName }],
  };
  const file = join(bed.dataDir, 'kube-scheduler.json');
  await writeFile(file, JSON.stringify(config));
  const args = [`--config=${file}`, '--secure-port=0', '--authentication-skip-lookup=true'];
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.push(text);
    if (said.length > 20) said.shift();
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (error) => reject(new Error(`--kube-scheduler: ${error.message}`)));
    child.once('exit', () => reject(new Error(`kube-scheduler ended:\n${said.join('')}`)));
  });
  ended.catch(() => {});
  return {
    during: (work) => Promise.race([work, ended]),
    [Symbol.asyncDispose]: () => end(child),
  };
}
