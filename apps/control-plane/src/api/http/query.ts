import { badRequest, GantryError } from '@gantry/base';
import type { ApiRequest } from './api-request.js';
import type {
  DeleteOptions,
  FieldValidation,
  ListOptions,
  PropagationPolicy,
  WriteOptions,
} from '../resources/options.js';

const trueWords = new Set(['1', 't', 'T', 'true', 'TRUE', 'True']);
const falseWords = new Set(['0', 'f', 'F', 'false', 'FALSE', 'False', '']);

/** A boolean parameter as Go's ParseBool reads it; absent is false. */
export function booleanOf(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || falseWords.has(text)) return false;
  if (trueWords.has(text)) return true;
  throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be true or false`);
}

/** A whole number from 0 on; undefined when absent. */
export function countOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be a whole number`);
}

/** A watch that asks for no time of its own ends after this long, so that clients spread out again. */
const defaultWatchSeconds = 1_800;
const maxWatchSeconds = 86_400;

/** How long a watch may last, in milliseconds. */
export function watchMs(query: URLSearchParams): number {
  const seconds = countOf(query, 'timeoutSeconds') || defaultWatchSeconds;
  return Math.min(seconds, maxWatchSeconds) * 1_000;
}

function oneOf<T extends string>(
  query: URLSearchParams,
  name: string,
  allowed: readonly T[],
): T | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const found = allowed.find((each) => each === text);
  if (found) return found;
  const supported = allowed.map((each) => JSON.stringify(each)).join(', ');
  const message = `${name}: Unsupported value: ${JSON.stringify(text)}: supported values: ${supported}`;
  throw new GantryError('Invalid', message, {
    causes: [{ reason: 'FieldValueNotSupported', field: name, message }],
  });
}

const given = (query: URLSearchParams, name: string) => query.get(name) || undefined;

export function listOptions(query: URLSearchParams, namespace: string | undefined): ListOptions {
  return {
    namespace,
    labelSelector: given(query, 'labelSelector'),
    fieldSelector: given(query, 'fieldSelector'),
    limit: countOf(query, 'limit'),
    continue: given(query, 'continue'),
    resourceVersion: given(query, 'resourceVersion'),
    resourceVersionMatch: oneOf(query, 'resourceVersionMatch', ['Exact', 'NotOlderThan'] as const),
  };
}

const validations: readonly FieldValidation[] = ['Strict', 'Warn', 'Ignore'];

/** Characters that a field manager may have, as in Kubernetes. */
const maxManagerLength = 128;

/** The name by which a client wants to own what it writes; Invalid when it is too long or unprintable. */
export function fieldManagerOf(query: URLSearchParams): string | undefined {
  const name = given(query, 'fieldManager');
  if (name === undefined || (name.length <= maxManagerLength && !/\p{C}/u.test(name))) return name;
  const why = `must have at most ${maxManagerLength} printable characters`;
  const message = `fieldManager: Invalid value: ${JSON.stringify(name)}: ${why}`;
  throw new GantryError('Invalid', message, {
    causes: [{ reason: 'FieldValueInvalid', field: 'fieldManager', message }],
  });
}

/** Who a client is that does not say so: `kubectl` of `kubectl/v1.33.0 (linux/amd64)`. */
function product(userAgent: string | undefined): string {
  return userAgent?.split('/', 1)[0]?.slice(0, maxManagerLength) || 'unknown';
}

/** Without the parameter Kubernetes warns; internal writers are strict. */
export function writeOptions({ query, headers }: Pick<ApiRequest, 'query' | 'headers'>) {
  return {
    dryRun: isDryRun(query.getAll('dryRun')),
    fieldValidation: oneOf(query, 'fieldValidation', validations) ?? 'Warn',
    fieldManager: fieldManagerOf(query) ?? product(headers['user-agent']),
    owned: true,
  } satisfies WriteOptions;
}

function isDryRun(values: readonly string[]): boolean {
  const asked = values.filter((value) => value !== '');
  const wrong = asked.find((value) => value !== 'All');
  if (wrong === undefined) return asked.length > 0;
  throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(wrong)}: supported values: "All"`);
}

const policies: readonly PropagationPolicy[] = ['Background', 'Foreground', 'Orphan'];

/** Delete options come in the body, in the query, or both; the body counts first. */
export function deleteOptions(query: URLSearchParams, body: unknown): DeleteOptions {
  const given = (body ?? {}) as Record<string, unknown>;
  const policy = given['propagationPolicy'] ?? undefined;
  if (policy !== undefined && !policies.includes(policy as PropagationPolicy)) {
    throw badRequest(`propagationPolicy must be one of ${policies.join(', ')}`);
  }
  const grace = given['gracePeriodSeconds'] ?? countOf(query, 'gracePeriodSeconds');
  if (grace !== undefined && !Number.isSafeInteger(grace)) {
    throw badRequest('gracePeriodSeconds must be a whole number');
  }
  const dryRun = [...query.getAll('dryRun'), ...((given['dryRun'] as string[] | undefined) ?? [])];
  return {
    dryRun: isDryRun(dryRun),
    gracePeriodSeconds: grace as number | undefined,
    propagationPolicy:
      (policy as PropagationPolicy | undefined) ?? oneOf(query, 'propagationPolicy', policies),
    preconditions: preconditionsOf(given['preconditions']),
  };
}

function preconditionsOf(value: unknown): DeleteOptions['preconditions'] {
  if (value === undefined || value === null) return undefined;
  const { uid, resourceVersion } = value as Record<string, unknown>;
  for (const [field, text] of Object.entries({ uid, resourceVersion })) {
    if (text !== undefined && text !== null && typeof text !== 'string') {
      throw badRequest(`preconditions.${field} must be a string`);
    }
  }
  return {
    uid: (uid as string | null) ?? undefined,
    resourceVersion: (resourceVersion as string | null) ?? undefined,
  };
}
