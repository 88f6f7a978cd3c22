import type { LogRequest } from '@gantry/agent-protocol';
import { badRequest } from '@gantry/base';

function whole(query: URLSearchParams, name: string, min: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= min) return value;
  throw badRequest(
    `${name} must be a whole number of at least ${min}, not ${JSON.stringify(text)}`,
  );
}

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === 'false' || text === '0') return false;
  if (text === '' || text === 'true' || text === '1') return true;
  throw badRequest(`${name} must be true or false, not ${JSON.stringify(text)}`);
}

function since(query: URLSearchParams, nowMs: number): number {
  const seconds = whole(query, 'sinceSeconds', 1);
  const time = query.get('sinceTime');
  if (seconds !== undefined && time) {
    throw badRequest('at most one of sinceSeconds and sinceTime may be given');
  }
  if (seconds !== undefined) return nowMs - seconds * 1000;
  if (!time) return 0;
  const parsed = Date.parse(time);
  if (Number.isNaN(parsed)) throw badRequest(`sinceTime must be an RFC 3339 time, not "${time}"`);
  return parsed;
}

/** The query of GET pods/NAME/log as a request to the agent; BadRequest names the parameter at fault. */
export function parseLogQuery(query: URLSearchParams, nowMs: number): LogRequest {
  return {
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    tailLines: whole(query, 'tailLines', 0) ?? -1,
    sinceUnixMillis: since(query, nowMs),
    limitBytes: whole(query, 'limitBytes', 1) ?? 0,
  };
}

/** What an exec or attach wants to be joined with. */
export interface StreamQuery {
  readonly command: string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The query of pods/NAME/exec and attach. */
export function parseStreamQuery(query: URLSearchParams): StreamQuery {
  const tty = flag(query, 'tty');
  const wanted = {
    command: query.getAll('command'),
    stdin: flag(query, 'stdin'),
    stdout: flag(query, 'stdout'),
    // A terminal has one output only.
    stderr: flag(query, 'stderr') && !tty,
    tty,
  };
  if (wanted.stdin || wanted.stdout || wanted.stderr) return wanted;
  throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
}
