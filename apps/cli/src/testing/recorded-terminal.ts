import { Readable } from 'node:stream';
import type { Terminal } from '../terminal.js';

/** A terminal that remembers what was written; plain unless colours are asked for. */
export class RecordedTerminal implements Terminal {
  stdout = '';
  stderr = '';
  readonly stdin: Terminal['stdin'];
  readonly errorColours = false;

  constructor(
    input = '',
    readonly colours = false,
  ) {
    this.stdin = Readable.from([Buffer.from(input)]);
  }

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }

  size() {
    return { columns: 80, rows: 24 };
  }

  onResize() {
    return () => undefined;
  }
}
