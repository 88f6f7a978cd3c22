import type { Readable } from 'node:stream';

/** Where a command reads and writes; specs give their own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly stdin: Readable & { setRawMode?(raw: boolean): unknown; isTTY?: boolean };
  /** Whether stdout is a terminal whose reader likes colours. */
  readonly colours: boolean;
  /** The same of stderr, where faults and warnings go. */
  readonly errorColours: boolean;
  /** Size of the terminal, in characters. */
  size(): { columns: number; rows: number };
  onResize(listener: () => void): () => void;
}

/** Style of a piece of text; ignored where colours are not wanted. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

const codes: Record<Style, string> = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
  cyan: '36',
};

export function paint(terminal: Pick<Terminal, 'colours'>, style: Style, text: string): string {
  return terminal.colours ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;
}

/** As {@link paint}, for what goes to stderr. */
export function paintError(
  terminal: Pick<Terminal, 'errorColours'>,
  style: Style,
  text: string,
): string {
  return paint({ colours: terminal.errorColours }, style, text);
}

/** The process's own streams. Colours: only on a terminal, and not with NO_COLOR or TERM=dumb. */
export function systemTerminal(env: NodeJS.ProcessEnv): Terminal {
  const { stdout, stderr, stdin } = process;
  const plain = Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    stdin,
    colours: stdout.isTTY && !plain,
    errorColours: stderr.isTTY && !plain,
    size: () => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 }),
    onResize(listener) {
      stdout.on('resize', listener);
      return () => stdout.off('resize', listener);
    },
  };
}
