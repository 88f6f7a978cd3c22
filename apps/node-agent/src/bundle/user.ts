import type { Container, Pod } from '@gantry/api';
import { ContainerConfigError } from './config-error.js';

/** Who the first process runs as. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** The texts of the image's /etc/passwd and /etc/group; empty when it has none. */
export interface UserDatabase {
  readonly passwd: string;
  readonly group: string;
}

const maxId = 2 ** 31 - 1;

function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(':'));
}

function numeric(text: string): number | undefined {
  return /^\d+$/.test(text) && Number(text) <= maxId ? Number(text) : undefined;
}

function findUser(name: string, database: UserDatabase): string[] | undefined {
  const users = rows(database.passwd);
  return users.find((row) => row[0] === name) ?? users.find((row) => row[2] === name);
}

function userId(name: string, database: UserDatabase): number {
  const uid = numeric(name) ?? numeric(findUser(name, database)?.[2] ?? '');
  if (uid === undefined) {
    throw new ContainerConfigError(`the image's user "${name}" is not in its /etc/passwd`);
  }
  return uid;
}

function groupId(name: string, database: UserDatabase): number {
  const row = rows(database.group).find((group) => group[0] === name);
  const gid = numeric(name) ?? numeric(row?.[2] ?? '');
  if (gid === undefined) {
    throw new ContainerConfigError(`the image's group "${name}" is not in its /etc/group`);
  }
  return gid;
}

function memberships(userName: string | undefined, database: UserDatabase): number[] {
  if (!userName) return [];
  const groups = rows(database.group).filter((row) => row[3]?.split(',').includes(userName));
  return groups.map((row) => numeric(row[2] ?? '')).filter((gid) => gid !== undefined);
}

function refuseRoot(pod: Pod, container: Container, uid: number, imageUser: string): void {
  const nonRoot = container.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot;
  if (!nonRoot) return;
  const chosen = container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser;
  if (uid === 0) {
    const whose = chosen === undefined ? 'image will run as root' : "container's runAsUser is root";
    throw new ContainerConfigError(
      `container has runAsNonRoot and ${whose}; set runAsUser to another user`,
    );
  }
  if (chosen === undefined && numeric(imageUser) === undefined) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}),` +
        ' cannot verify user is non-root; set runAsUser',
    );
  }
}

/** A pod with a user namespace has the ids of 16 bits. */
function refuseUnmapped(ids: readonly number[]): void {
  const beyond = ids.find((id) => id > 65_535);
  if (beyond === undefined) return;
  throw new ContainerConfigError(
    `user or group ${beyond} is beyond 65535, the last one with hostUsers: false; choose another`,
  );
}

/**
 * The user of a container: runAsUser and runAsGroup of container or pod, else the image's USER, with
 * names looked up in the image. Refuses root when runAsNonRoot is set.
 */
export function resolveUser(
  pod: Pod,
  container: Container,
  imageUser: string,
  database: UserDatabase,
): ResolvedUser {
  const [own, shared] = [container.securityContext, pod.spec.securityContext];
  const [userName = '', groupName] = imageUser.split(':', 2);
  const runAsUser = own?.runAsUser ?? shared?.runAsUser;
  const runAsGroup = own?.runAsGroup ?? shared?.runAsGroup;
  const uid = runAsUser ?? userId(userName || '0', database);
  const row = findUser(runAsUser === undefined && userName ? userName : String(uid), database);
  const imageGroup =
    runAsUser === undefined && groupName ? groupId(groupName, database) : undefined;
  const gid = runAsGroup ?? imageGroup ?? numeric(row?.[3] ?? '') ?? 0;
  refuseRoot(pod, container, uid, userName || '0');
  const extra = [
    ...memberships(row?.[0], database),
    ...(shared?.supplementalGroups ?? []),
    ...(shared?.fsGroup === undefined ? [] : [shared.fsGroup]),
  ];
  const additionalGids = [...new Set(extra)].filter((id) => id !== gid);
  if (pod.spec.hostUsers === false) refuseUnmapped([uid, gid, ...additionalGids]);
  return { uid, gid, additionalGids, home: row?.[5] || (uid === 0 ? '/root' : '/') };
}
