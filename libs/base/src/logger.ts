import { pino } from 'pino';

/** Structured: fields first, then a message in lower case. Errors go under `err`. No secrets, ever. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Writes one JSON line per record to stderr, so that stdout stays a program's own. */
export function createLogger(options: { level: LogLevel; name: string }): Logger {
  const destination = pino.destination({ fd: 2, sync: true });
  return pino(
    { name: options.name, level: options.level, base: { name: options.name } },
    destination,
  );
}

export const silentLogger: Logger = pino({ level: 'silent' });
