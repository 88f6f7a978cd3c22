import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

// Where a control plane on this machine leaves the administrator's configuration, for root.
const administrator = [
  '/var/lib/gantry/control-plane/admin.kubeconfig',
  '/var/lib/gantry/admin.kubeconfig',
];

/**
 * The kubeconfig files to read: --kubeconfig, GANTRY_CONFIG, KUBECONFIG (several, merged),
 * ~/.kube/config, and for root the one a control plane on this machine has left.
 */
export function kubeconfigPaths(flag: string | undefined, env: NodeJS.ProcessEnv): string[] {
  if (flag) return [flag];
  for (const name of ['GANTRY_CONFIG', 'KUBECONFIG']) {
    const files = (env[name] ?? '').split(delimiter).filter(Boolean);
    if (files.length > 0) return files;
  }
  const own = join(env['HOME'] || homedir(), '.kube', 'config');
  if (existsSync(own) || process.getuid?.() !== 0) return [own];
  return [administrator.find((path) => existsSync(path)) ?? own];
}
