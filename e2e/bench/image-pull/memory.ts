import { readdirSync, readFileSync } from 'node:fs';

const sampleMs = 50;

function parents(): Map<number, number> {
  const found = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // The command's name may hold anything, so fields are counted from its closing parenthesis.
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

function isBelow(pid: number, roots: readonly number[], tree: Map<number, number>): boolean {
  for (let at: number | undefined = pid; at; at = tree.get(at)) if (roots.includes(at)) return true;
  return false;
}

function proportionalBytes(pid: number): number {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/**
 * Watches what the given daemons, all processes below them and all that this process starts from now on hold
 * (proportional set size), until `stop`, which tells the peak in bytes.
 */
export function watchMemory(daemons: readonly number[]): { stop(): number } {
  const before = parents();
  const isNew = (pid: number, tree: Map<number, number>) =>
    !before.has(pid) && isBelow(pid, [process.pid], tree);
  let peak = 0;
  const sample = () => {
    const tree = parents();
    const pids = [...tree.keys()].filter((pid) => isBelow(pid, daemons, tree) || isNew(pid, tree));
    const bytes = pids.reduce((sum, pid) => sum + proportionalBytes(pid), 0);
    peak = Math.max(peak, bytes);
  };
  const timer = setInterval(sample, sampleMs);
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}
