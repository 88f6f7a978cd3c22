import type { Container, Pod, SeccompProfile } from '@gantry/api';
import type { Device, Seccomp, Spec } from '@gantry/runtime-client';
import { capabilities } from './capabilities.js';

/** The seccomp profile that applies: the container's, else the pod's, else the default one. */
export function seccompProfile(pod: Pod, container: Container): SeccompProfile {
  const own = container.securityContext?.seccompProfile;
  return own ?? pod.spec.securityContext?.seccompProfile ?? { type: 'RuntimeDefault' };
}

/** Whether setuid programs and file capabilities must stay without effect. On unless asked otherwise. */
export function noNewPrivileges(container: Container, granted: readonly string[]): boolean {
  const context = container.securityContext;
  if (context?.allowPrivilegeEscalation !== undefined) return !context.allowPrivilegeEscalation;
  return !context?.privileged && !granted.includes('CAP_SYS_ADMIN');
}

/** What a privileged container gets besides all capabilities: the host's devices and open kernel files. */
export interface Privileges {
  readonly seccomp: Seccomp | undefined;
  readonly hostDevices: readonly Device[];
}

function unconfine(spec: Spec, hostDevices: readonly Device[]): void {
  const { linux } = spec;
  linux.maskedPaths = [];
  linux.readonlyPaths = [];
  linux.devices = [...hostDevices];
  linux.resources = { ...linux.resources, devices: [{ allow: true, access: 'rwm' }] };
  for (const mount of spec.mounts) {
    if (mount.type !== 'sysfs' && mount.type !== 'cgroup') continue;
    mount.options = mount.options?.map((option) => (option === 'ro' ? 'rw' : option));
  }
}

/** Applies the security context of pod and container to a default spec, in place. */
export function applySecurity(spec: Spec, pod: Pod, container: Container, given: Privileges): void {
  const context = container.securityContext;
  const granted = capabilities(container, spec.process.capabilities?.bounding ?? []);
  spec.process.capabilities = {
    bounding: granted,
    effective: granted,
    permitted: granted,
    inheritable: [],
    ambient: [],
  };
  spec.process.noNewPrivileges = noNewPrivileges(container, granted);
  const unfiltered = context?.privileged || seccompProfile(pod, container).type === 'Unconfined';
  spec.linux.seccomp = unfiltered ? undefined : given.seccomp;
  if (context?.procMount === 'Unmasked') {
    spec.linux.maskedPaths = [];
    spec.linux.readonlyPaths = [];
  }
  if (context?.privileged) unconfine(spec, given.hostDevices);
  spec.root.readonly = context?.readOnlyRootFilesystem ?? false;
}
