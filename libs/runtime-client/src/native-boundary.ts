/**
 * The boundary to the native side: everything that comes from gantry-monitor, the OCI runtime or a
 * CNI plugin passes through here and has the declared shape afterwards, or is refused with the
 * path of the wrong field.
 */
import { badRequest, GantryError, type Reason } from '@gantry/base';
import type { CniResult } from './cni.js';
import type {
  ContainerState,
  CreatedContainer,
  ExitRecord,
  KilledBy,
  MonitoredContainer,
  RunResult,
  Sandbox,
} from './messages.js';

/** What a line from the launcher is: an answer to a request, or an event. */
export type LauncherLine =
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number | undefined; readonly error: GantryError }
  | { readonly kind: 'exit'; readonly exit: ExitRecord };

type Fields = Record<string, unknown>;

const reasons: readonly Reason[] = [
  'AlreadyExists',
  'BadRequest',
  'NotFound',
  'ServiceUnavailable',
  'Timeout',
];

function refuse(path: string, expected: string): GantryError {
  return new GantryError('InternalError', `read answer of the native side: ${path}: ${expected}`);
}

function object(value: unknown, path: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw refuse(path, 'must be an object');
}

function text(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw refuse(path, 'must be a string');
}

function truth(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value;
  throw refuse(path, 'must be a boolean');
}

function whole(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw refuse(path, 'must be a whole number that is not negative');
}

function list<T>(value: unknown, path: string, read: (item: unknown, path: string) => T): T[] {
  if (!Array.isArray(value)) throw refuse(path, 'must be a list');
  return value.map((item, index) => read(item, `${path}[${index}]`));
}

/** Absent and null are the same on this side. */
function optional<T>(
  value: unknown,
  path: string,
  read: (value: unknown, path: string) => T,
): T | undefined {
  return value === undefined || value === null ? undefined : read(value, path);
}

function json(line: string, what: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const start = JSON.stringify(line.slice(0, 80));
    throw new GantryError('InternalError', `read ${what}: not JSON: ${start}`, {}, { cause });
  }
}

/** One line of the launcher's socket. */
export function readLauncherLine(line: string): LauncherLine {
  const fields = object(json(line, 'answer of the launcher'), 'answer');
  if (fields['event'] !== undefined) {
    if (fields['event'] !== 'exit') throw refuse('answer.event', 'is not known');
    return { kind: 'exit', exit: readExitRecord(fields['exit'], 'answer.exit') };
  }
  if (fields['error'] !== undefined) {
    const id = optional(fields['id'], 'answer.id', whole);
    return { kind: 'error', id, error: readFailure(fields['error'], 'answer.error') };
  }
  const id = whole(fields['id'], 'answer.id');
  if (fields['result'] === undefined) throw refuse('answer', 'has neither result nor error');
  return { kind: 'result', id, result: fields['result'] };
}

function readFailure(value: unknown, path: string): GantryError {
  const fields = object(value, path);
  const message = `${text(fields['step'], `${path}.step`)}: ${text(fields['message'], `${path}.message`)}`;
  const reason = reasons.find((known) => known === fields['reason']) ?? 'InternalError';
  return new GantryError(reason, message);
}

const culprits = ['oom', 'request', 'fault', 'outside', 'unknown'] as const;

function readKilledBy(value: unknown, path: string): KilledBy {
  const fields = object(value, path);
  const culprit = culprits.find((known) => known === fields['culprit']);
  if (!culprit) throw refuse(`${path}.culprit`, `must be one of ${culprits.join(', ')}`);
  const request = optional(fields['request'], `${path}.request`, (asked, at) => {
    const own = object(asked, at);
    return {
      signal: whole(own['signal'], `${at}.signal`),
      at: text(own['at'], `${at}.at`),
      reason: optional(own['reason'], `${at}.reason`, text),
      sender: optional(own['sender'], `${at}.sender`, readSender),
    };
  });
  return { culprit, request };
}

function readSender(value: unknown, path: string): { pid: number; name: string } {
  const { pid, name } = object(value, path);
  return { pid: whole(pid, `${path}.pid`), name: text(name, `${path}.name`) };
}

export function readExitRecord(value: unknown, path = 'exit'): ExitRecord {
  const fields = object(value, path);
  const at = (name: string) => `${path}.${name}`;
  return {
    containerId: text(fields['containerId'], at('containerId')),
    pid: whole(fields['pid'], at('pid')),
    exitCode: whole(fields['exitCode'], at('exitCode')),
    signal: optional(fields['signal'], at('signal'), whole),
    oomKilled: truth(fields['oomKilled'], at('oomKilled')),
    killedBy: optional(fields['killedBy'], at('killedBy'), readKilledBy),
    startedAt: text(fields['startedAt'], at('startedAt')),
    finishedAt: text(fields['finishedAt'], at('finishedAt')),
    memoryPeakBytes: optional(fields['memoryPeakBytes'], at('memoryPeakBytes'), whole),
    memoryLimitBytes: optional(fields['memoryLimitBytes'], at('memoryLimitBytes'), whole),
    cpuMicros: optional(fields['cpuMicros'], at('cpuMicros'), whole),
    throttledMicros: optional(fields['throttledMicros'], at('throttledMicros'), whole),
    throttledPeriods: optional(fields['throttledPeriods'], at('throttledPeriods'), whole),
    cpuPeriods: optional(fields['cpuPeriods'], at('cpuPeriods'), whole),
    lastOutput: optional(fields['lastOutput'], at('lastOutput'), text),
    problem: optional(fields['problem'], at('problem'), text),
  };
}

export function readContainer(value: unknown, path = 'container'): MonitoredContainer {
  const fields = object(value, path);
  const at = (name: string) => `${path}.${name}`;
  const annotations = Object.entries(object(fields['annotations'], at('annotations')));
  return {
    containerId: text(fields['containerId'], at('containerId')),
    pid: whole(fields['pid'], at('pid')),
    monitorPid: whole(fields['monitorPid'], at('monitorPid')),
    running: truth(fields['running'], at('running')),
    bundle: text(fields['bundle'], at('bundle')),
    logPath: text(fields['logPath'], at('logPath')),
    runtime: optional(fields['runtime'], at('runtime'), text),
    runtimeRoot: optional(fields['runtimeRoot'], at('runtimeRoot'), text),
    annotations: Object.fromEntries(
      annotations.map(([name, item]) => [name, text(item, `${at('annotations')}.${name}`)]),
    ),
    exit: optional(fields['exit'], at('exit'), readExitRecord),
  };
}

export function readContainers(value: unknown): MonitoredContainer[] {
  return list(object(value, 'result')['containers'], 'result.containers', readContainer);
}

export function readCreated(value: unknown): CreatedContainer {
  const fields = object(value, 'result');
  return {
    pid: whole(fields['pid'], 'result.pid'),
    monitorPid: whole(fields['monitorPid'], 'result.monitorPid'),
  };
}

export function readRunResult(value: unknown): RunResult {
  const fields = object(value, 'result');
  return {
    exitCode: whole(fields['exitCode'], 'result.exitCode'),
    stdout: text(fields['stdout'], 'result.stdout'),
    stderr: text(fields['stderr'], 'result.stderr'),
    truncated: truth(fields['truncated'], 'result.truncated'),
  };
}

export function readSandbox(value: unknown): Sandbox {
  const fields = object(value, 'result');
  return {
    dir: text(fields['dir'], 'result.dir'),
    net: optional(fields['net'], 'result.net', text),
    ipc: text(fields['ipc'], 'result.ipc'),
    uts: optional(fields['uts'], 'result.uts', text),
    pid: optional(fields['pid'], 'result.pid', text),
    user: optional(fields['user'], 'result.user', text),
  };
}

const statuses = ['creating', 'created', 'running', 'paused', 'stopped'] as const;

/** The output of a runtime's `state`. */
export function readContainerState(output: string): ContainerState {
  const fields = object(json(output, 'state of a container'), 'state');
  const status = statuses.find((known) => known === fields['status']);
  if (!status) throw refuse('state.status', `must be one of ${statuses.join(', ')}`);
  return {
    id: text(fields['id'], 'state.id'),
    status,
    pid: optional(fields['pid'], 'state.pid', whole) ?? 0,
    bundle: text(fields['bundle'], 'state.bundle'),
  };
}

/** The last frame of a session: the exit code, or throws what the frame reports. */
export function readSessionStatus(payload: string): number {
  const fields = object(json(payload, 'status of a session'), 'status');
  if (fields['error'] !== undefined) throw readFailure(fields['error'], 'status.error');
  return whole(fields['exitCode'], 'status.exitCode');
}

/** The output of a successful CNI ADD; fields that are not ours stay, for the next plugin of a chain. */
export function readCniResult(output: string): CniResult {
  const fields = object(json(output, 'result of the CNI plugin'), 'result');
  return {
    ...fields,
    cniVersion: text(fields['cniVersion'], 'result.cniVersion'),
    interfaces: optional(fields['interfaces'], 'result.interfaces', readInterfaces) ?? [],
    ips: list(fields['ips'], 'result.ips', (value, path) => {
      const ip = object(value, path);
      return {
        ...ip,
        address: text(ip['address'], `${path}.address`),
        gateway: optional(ip['gateway'], `${path}.gateway`, text),
        interface: optional(ip['interface'], `${path}.interface`, whole),
      };
    }),
    routes: optional(fields['routes'], 'result.routes', readRoutes) ?? [],
  };
}

/** The output of CNI VERSION. */
export function readCniVersions(output: string): string[] {
  const fields = object(json(output, 'version of the CNI plugin'), 'version');
  return list(fields['supportedVersions'], 'version.supportedVersions', text);
}

function readInterfaces(value: unknown, path: string): CniResult['interfaces'] {
  return list(value, path, (item, at) => {
    const fields = object(item, at);
    return {
      ...fields,
      name: text(fields['name'], `${at}.name`),
      mac: optional(fields['mac'], `${at}.mac`, text),
      sandbox: optional(fields['sandbox'], `${at}.sandbox`, text),
    };
  });
}

function readRoutes(value: unknown, path: string): CniResult['routes'] {
  return list(value, path, (item, at) => {
    const fields = object(item, at);
    return {
      ...fields,
      dst: text(fields['dst'], `${at}.dst`),
      gw: optional(fields['gw'], `${at}.gw`, text),
    };
  });
}

/** A CNI error object as an error; whatever else the plugin printed is quoted. */
export function readCniError(what: string, output: string, stderr: string): GantryError {
  try {
    const fields = object(json(output, 'error of the CNI plugin'), 'error');
    const details = optional(fields['details'], 'error.details', text);
    const message = text(fields['msg'], 'error.msg') + (details ? ` (${details})` : '');
    return new GantryError(cniReason(fields['code']), `${what}: ${message}`);
  } catch (cause) {
    const words = (stderr || output).trim().slice(0, 1000) || 'it said nothing';
    return new GantryError('InternalError', `${what}: ${words}`, {}, { cause });
  }
}

// The specification's codes: 11 is "try again later", 50 and 51 "the plugin is not available".
function cniReason(code: unknown): Reason {
  if (code === 11 || code === 50 || code === 51) return 'ServiceUnavailable';
  return code === 4 || code === 6 || code === 7 ? 'BadRequest' : 'InternalError';
}

const containerIdPattern = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}$/;

/** Ids become arguments of the runtime: one that begins like a flag must not get there. */
export function checkContainerId(containerId: string): string {
  if (containerIdPattern.test(containerId)) return containerId;
  const rule = 'must be 1 to 128 letters, digits or _.+- and begin with a letter or digit';
  throw badRequest(`containerId ${JSON.stringify(containerId)}: ${rule}`);
}
