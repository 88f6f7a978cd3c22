import { readFileSync } from 'node:fs';

/** The mount points of a mountinfo(5) text, outermost first. */
export function mountPoints(mountinfo: string): string[] {
  const octal = /\\([0-7]{3})/g;
  const decode = (text: string) =>
    text.replace(octal, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return mountinfo
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((path) => path !== undefined)
    .map(decode);
}

/** Whether something is mounted at exactly this path in our mount namespace. */
export function isMountPoint(path: string): boolean {
  return mountPoints(readFileSync('/proc/self/mountinfo', 'utf8')).includes(path);
}

/** Every mount at or below `dir`, innermost first: the order in which to unmount. */
export function mountsBelow(dir: string): string[] {
  const points = mountPoints(readFileSync('/proc/self/mountinfo', 'utf8'));
  return points.filter((path) => path === dir || path.startsWith(`${dir}/`)).reverse();
}
