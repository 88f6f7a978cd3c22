import { describeError, GantryError } from '@gantry/base';
import { CommandError, UsageError } from './usage-error.js';

/** What a failure prints and the exit code it means: 2 wrong use, 1 everything else. */
export interface Failure {
  readonly text: string;
  readonly exitCode: number;
}

function invalidText(error: GantryError): string {
  const { kind = 'object', name = '', causes = [] } = error.details;
  const subject = `The ${kind} "${name}" is invalid`;
  if (causes.length === 0) return error.message;
  const lines = causes.map(({ field, message }) => (field ? `${field}: ${message}` : message));
  if (lines.length === 1) return `${subject}: ${lines[0]}`;
  return `${subject}:\n${lines.map((line) => `* ${line}`).join('\n')}`;
}

function serverText(error: GantryError): string {
  if (error.reason === 'Invalid') return invalidText(error);
  if (error.reason === 'ServiceUnavailable' && error.message.startsWith('cannot reach')) {
    return `error: ${error.message}`;
  }
  if (error.reason === 'Unauthorized') {
    return `error: you are not logged in: ${error.message}; check the user of your kubeconfig`;
  }
  return `Error from server (${error.reason}): ${error.message}`;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) return { text: `error: ${error.message}`, exitCode: 2 };
  if (error instanceof CommandError) {
    return { text: error.message && `error: ${error.message}`, exitCode: error.exitCode };
  }
  if (error instanceof GantryError) return { text: serverText(error), exitCode: 1 };
  return { text: `error: ${describeError(error)}`, exitCode: 1 };
}
