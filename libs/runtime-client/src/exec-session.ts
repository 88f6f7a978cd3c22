import type { Duplex, Readable, Writable } from 'node:stream';

/** A process of a container with its streams; made by `RuntimeClient.exec` and `attach`. */
export interface ExecSession {
  /** Ends the process's stdin when ended. Absent when the session was asked for without stdin. */
  readonly stdin?: Writable;
  readonly stdout: Readable;
  /** Stays empty with a terminal, where both arrive on stdout. */
  readonly stderr: Readable;
  /** Sets the terminal's size in characters; without a terminal it does nothing. */
  resize(size: { width: number; height: number }): void;
  /** The exit code (128 + signal when killed). Rejects when the session broke before the exit. */
  readonly exit: Promise<number>;
  /** Leaves at once. The process of an exec is killed; a container that was attached to runs on. */
  close(): void;
}

/** Speaks the frames of an established session over `connection`. */
export function openSession(_connection: Duplex, _options: { stdin: boolean }): ExecSession {
  throw new Error('not written yet');
}
