import type { Container } from '@gantry/api';
import { ContainerConfigError } from './config-error.js';

// capabilities(7), in the order of the kernel's numbers.
const names = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE ' +
  'NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO ' +
  'SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME ' +
  'SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG ' +
  'WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ');

/** Every capability the kernel may know, with the CAP_ prefix. */
export const allCapabilities: readonly string[] = names.map((name) => `CAP_${name}`);

function full(name: string): string {
  const upper = name.toUpperCase();
  const prefixed = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!allCapabilities.includes(prefixed)) {
    throw new ContainerConfigError(
      `securityContext.capabilities: there is no capability "${name}"`,
    );
  }
  return prefixed;
}

const isAll = (name: string) => name.toUpperCase() === 'ALL';

/** The capabilities of a container: those of `defaults` with add and drop applied; all when privileged. */
export function capabilities(container: Container, defaults: readonly string[]): string[] {
  const context = container.securityContext;
  if (context?.privileged) return [...allCapabilities];
  const { add = [], drop = [] } = context?.capabilities ?? {};
  const base = drop.some(isAll) ? [] : add.some(isAll) ? allCapabilities : defaults;
  const dropped = new Set(drop.filter((name) => !isAll(name)).map(full));
  const kept = [...base, ...add.filter((name) => !isAll(name)).map(full)];
  const result = new Set(kept.filter((name) => !dropped.has(name)));
  return allCapabilities.filter((name) => result.has(name));
}
