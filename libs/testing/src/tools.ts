import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const script = join(import.meta.dirname, '../../../deploy/tools.sh');
let directory: Promise<string> | undefined;

/** The directory that holds etcd, etcdctl, kubectl and docker-registry; fetched when missing. */
export function toolsDirectory(): Promise<string> {
  directory ??= promisify(execFile)(script).then(({ stdout }) => stdout.trim());
  return directory;
}

/** The path of one of these programs. */
export async function tool(
  name: 'etcd' | 'etcdctl' | 'kubectl' | 'docker-registry',
): Promise<string> {
  return join(await toolsDirectory(), name);
}
