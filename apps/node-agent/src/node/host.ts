import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, release, arch, networkInterfaces, totalmem } from 'node:os';
import { createSocket } from 'node:dgram';

const readLine = (path: string) => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
};

/** What the kernel and the system say of themselves. */
export interface Host {
  readonly bootId: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
}

function osImage(): string {
  const match = /^PRETTY_NAME="?([^"\n]*)/m.exec(readLine('/etc/os-release'));
  return match?.[1] ?? 'Linux';
}

/** Kubernetes' names for Node's. */
const architectures: Record<string, string> = { x64: 'amd64', ia32: '386' };

export function readHost(): Host {
  const machineId = readLine('/etc/machine-id');
  return {
    bootId: readLine('/proc/sys/kernel/random/boot_id'),
    machineId,
    systemUuid: readLine('/sys/class/dmi/id/product_uuid') || machineId,
    kernelVersion: release(),
    osImage: osImage(),
    architecture: architectures[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** Size and free space of the file system that holds `dir`, in bytes and inodes. */
export async function diskSpace(dir: string) {
  const { bsize, blocks, bavail, files, ffree } = await statfs(dir);
  return {
    totalBytes: bsize * blocks,
    availableBytes: bsize * bavail,
    inodes: files,
    freeInodes: ffree,
  };
}

/** What of the host's memory pods could still take, in bytes. */
export function availableMemoryBytes(): number {
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(readLine('/proc/meminfo'));
  return Number(match?.[1] ?? 0) * 1024;
}

/** CPU time that the host has spent working since it booted, in nanoseconds. */
export function hostCpuNanos(): number {
  const fields = readLine('/proc/stat').split('\n')[0]!.split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  // USER_HZ is 100 on every architecture that Linux shows to programs.
  return (user + nice + system + irq + softirq) * 10_000_000;
}

/** The address from which this host reaches `server` (HOST:PORT); nothing is sent. */
export function addressTowards(server: string): Promise<string> {
  const at = server.lastIndexOf(':');
  const host = server.slice(0, at).replace(/^\[|\]$/g, '');
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(Number(server.slice(at + 1)), host, () => {
      resolve(socket.address().address);
    });
  }).finally(() => socket.close()) as Promise<string>;
}

/** Whether an address is one of this host's. */
export function isOwnAddress(ip: string): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === ip));
}
