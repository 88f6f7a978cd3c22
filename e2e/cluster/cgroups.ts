import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';

function hierarchies(): string[] {
  const names = readdirSync(root, { withFileTypes: true });
  return names.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

/** Makes GROUP in every hierarchy of this (hybrid) machine and returns its `cgroup.procs` files. */
export function makeGroup(group: string): string[] {
  return hierarchies().map((name) => {
    const parts = group.split('/');
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = join(root, name, ...parts.slice(0, depth));
      mkdirSync(path, { recursive: true });
      if (name === 'cpuset') inheritCpuset(path);
    }
    return join(root, name, group, 'cgroup.procs');
  });
}

// A cpuset group takes no process before it has cpus and mems of its own.
function inheritCpuset(path: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    writeFileSync(join(path, file), readFileSync(join(root, 'cpuset', file)));
  }
}

/** Removes GROUP and everything below it in every hierarchy; its processes have ended before. */
export function removeGroup(group: string): void {
  for (const name of hierarchies()) removeTree(join(root, name, group));
}

function removeTree(path: string): void {
  try {
    const children = readdirSync(path, { withFileTypes: true });
    for (const child of children) if (child.isDirectory()) removeTree(join(path, child.name));
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
