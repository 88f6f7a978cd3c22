import { join } from 'node:path';

/** Where a pod's things lie: `dataDir/pods/UID` lives through reboots, the rest until the next one. */
export interface PodPaths {
  readonly dir: string;
  readonly podFile: string;
  readonly recordFile: string;
  readonly volumes: string;
  readonly etc: string;
  readonly runDir: string;
  readonly memoryVolumes: string;
  /** Where sub paths of volumes are mounted for containers. */
  readonly subPaths: string;
  readonly sandbox: string;
  /** cgroupsPath of the pod, the parent of its containers' groups. */
  readonly cgroup: string;
}

/** The roots below which all pods live. */
export interface PodRoots {
  readonly dataDir: string;
  readonly runDir: string;
  readonly cgroupRoot: string;
}

export const podsDir = (roots: PodRoots) => join(roots.dataDir, 'pods');
export const podRunDir = (roots: PodRoots) => join(roots.runDir, 'pods');

export function podPaths(roots: PodRoots, uid: string): PodPaths {
  const dir = join(podsDir(roots), uid);
  const runDir = join(podRunDir(roots), uid);
  return {
    dir,
    podFile: join(dir, 'pod.json'),
    recordFile: join(dir, 'record.json'),
    volumes: join(dir, 'volumes'),
    etc: join(dir, 'etc'),
    runDir,
    memoryVolumes: join(runDir, 'volumes'),
    subPaths: join(runDir, 'sub-paths'),
    sandbox: join(runDir, 'sandbox'),
    cgroup: `${roots.cgroupRoot}/${uid}`,
  };
}

/** Where one attempt of a container lives; its log stays when the rest goes. */
export interface AttemptPaths {
  readonly dir: string;
  readonly bundle: string;
  readonly layer: string;
  readonly terminationLog: string;
  readonly log: string;
}

/** Where all attempts of a container lie, without their logs. */
export const containerDir = (paths: PodPaths, container: string): string =>
  join(paths.dir, 'containers', container);

export function attemptPaths(paths: PodPaths, container: string, attempt: number): AttemptPaths {
  const dir = join(containerDir(paths, container), String(attempt));
  return {
    dir,
    bundle: join(dir, 'bundle'),
    layer: join(dir, 'layer'),
    terminationLog: join(dir, 'termination-log'),
    log: join(paths.dir, 'logs', container, `${attempt}.log`),
  };
}

/** A uid names directories: nothing else may pass. */
export function isPodUid(uid: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(uid);
}
