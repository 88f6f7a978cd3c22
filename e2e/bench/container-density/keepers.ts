import { readdirSync, readFileSync } from 'node:fs';

const kibPerMib = 1024;

/** What the kernel calls a process; at most 15 characters. */
function commandOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** The processes of this command that run now. */
export function processesOf(command: string): Set<number> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Set(pids.filter((pid) => commandOf(pid) === command).map(Number));
}

/** What only these processes hold, in MiB, by smaps_rollup: memory that would be free without them. */
export function privateMib(pids: Iterable<number>): number {
  let kib = 0;
  for (const pid of pids) {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    for (const [, part] of rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)) {
      kib += Number(part);
    }
  }
  return kib / kibPerMib;
}
