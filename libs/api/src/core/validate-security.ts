import { forbidden, invalidValue, required, type FieldError } from '@gantry/api-machinery';
import type {
  AppArmorProfile,
  PodSecurityContext,
  SeccompProfile,
  SecurityContext,
} from './security-context.js';
import { validateInnerPath } from './validate-paths.js';

const sysctlName = /^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/;

function validateProfile(
  profile: SeccompProfile | AppArmorProfile | undefined,
  field: string,
): FieldError[] {
  if (!profile) return [];
  const at = `${field}.localhostProfile`;
  if (profile.type === 'Localhost') {
    return profile.localhostProfile
      ? validateInnerPath(profile.localhostProfile, at)
      : [required(at, 'must be set when type is Localhost')];
  }
  if (profile.localhostProfile === undefined) return [];
  return [invalidValue(at, profile.localhostProfile, 'can only be set when type is Localhost')];
}

/** Faults of the security settings of a container. */
export function validateSecurityContext(
  context: SecurityContext | undefined,
  field: string,
): FieldError[] {
  if (!context) return [];
  const errors = [
    ...validateProfile(context.seccompProfile, `${field}.seccompProfile`),
    ...validateProfile(context.appArmorProfile, `${field}.appArmorProfile`),
  ];
  if (context.allowPrivilegeEscalation !== false) return errors;
  const detail = 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true';
  if (context.privileged) errors.push(invalidValue(field, context, detail));
  const added = context.capabilities?.add ?? [];
  if (added.some((name) => name === 'CAP_SYS_ADMIN' || name === 'SYS_ADMIN')) {
    errors.push(
      invalidValue(
        field,
        context,
        'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      ),
    );
  }
  return errors;
}

function ofHost(name: string, hostNetwork: boolean, hostIPC: boolean): string | undefined {
  if (hostNetwork && name.startsWith('net.')) return 'hostNetwork';
  return hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name) ? 'hostIPC' : undefined;
}

/** Faults of the security settings of a pod. */
export function validatePodSecurityContext(
  context: PodSecurityContext | undefined,
  field: string,
  host: { readonly network: boolean; readonly ipc: boolean },
): FieldError[] {
  if (!context) return [];
  const errors = [
    ...validateProfile(context.seccompProfile, `${field}.seccompProfile`),
    ...validateProfile(context.appArmorProfile, `${field}.appArmorProfile`),
  ];
  for (const [index, sysctl] of (context.sysctls ?? []).entries()) {
    const at = `${field}.sysctls[${index}].name`;
    const name = (sysctl.name ?? '').replaceAll('/', '.');
    if (name && !sysctlName.test(name)) {
      errors.push(invalidValue(at, sysctl.name, `must match the regex ${sysctlName.source}`));
    }
    const shared = ofHost(name, host.network, host.ipc);
    if (shared) errors.push(forbidden(at, `may not be set when '${shared}' is true`));
  }
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    if (group >= 0 && group < 2 ** 31) continue;
    const detail = 'must be between 0 and 2147483647, inclusive';
    errors.push(invalidValue(`${field}.supplementalGroups[${index}]`, group, detail));
  }
  return errors;
}
