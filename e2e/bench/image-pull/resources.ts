import { readdirSync, readFileSync } from 'node:fs';

const sampleMs = 50;
/** What the kernel counts times of processes in, on every architecture of ours. */
const ticksPerSecond = 100;

interface ProcessStat {
  readonly parent: number;
  /** Of itself and of its children that have ended, in seconds. */
  readonly cpuSeconds: number;
  readonly endedChildrenSeconds: number;
}

function statOf(pid: number | string): ProcessStat {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command's name may hold anything, so fields are counted from its closing parenthesis.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
  return {
    parent: fields[1] ?? 0,
    cpuSeconds: (user + system + childUser + childSystem) / ticksPerSecond,
    endedChildrenSeconds: (childUser + childSystem) / ticksPerSecond,
  };
}

function processes(): Map<number, ProcessStat> {
  const found = new Map<number, ProcessStat>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      found.set(Number(name), statOf(name));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

type Tree = ReadonlyMap<number, ProcessStat>;

function isBelow(pid: number, roots: readonly number[], tree: Tree): boolean {
  for (let at: number | undefined = pid; at; at = tree.get(at)?.parent) {
    if (roots.includes(at)) return true;
  }
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

/** What the given daemons with all below them, and the ended children of this process, have used so far, in seconds. */
function cpuSeconds(daemons: readonly number[]): number {
  let seconds = statOf(process.pid).endedChildrenSeconds;
  const tree = processes();
  for (const [pid, stat] of tree) if (isBelow(pid, daemons, tree)) seconds += stat.cpuSeconds;
  return seconds;
}

/** What a pull took of the machine. */
export interface Usage {
  /**
   * Highest sum of the proportional set sizes of all that takes part in the pull: its daemons whole, idle as they were
   * before (ours is the agent's image store in a Node of its own), and every process that was started for it.
   */
  readonly peakBytes: number;
  /** User and system time of the same processes, in seconds. */
  readonly cpuSeconds: number;
}

/** Watches the given daemons, all below them and all that this process starts from now on, until `stop`. */
export function watchResources(daemons: readonly number[]): { stop(): Usage } {
  const before = processes();
  const cpuBefore = cpuSeconds(daemons);
  const isNew = (pid: number, tree: Tree) => !before.has(pid) && isBelow(pid, [process.pid], tree);
  let peakBytes = 0;
  const sample = () => {
    const tree = processes();
    const pids = [...tree.keys()].filter((pid) => isBelow(pid, daemons, tree) || isNew(pid, tree));
    const bytes = pids.reduce((sum, pid) => sum + proportionalBytes(pid), 0);
    peakBytes = Math.max(peakBytes, bytes);
  };
  const timer = setInterval(sample, sampleMs);
  return {
    stop() {
      clearInterval(timer);
      return { peakBytes, cpuSeconds: cpuSeconds(daemons) - cpuBefore };
    },
  };
}
