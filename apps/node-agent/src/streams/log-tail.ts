import { open } from 'node:fs/promises';
import { LineSplitter, parseEntry } from './cri-log.js';

/** The end of a log as plain text: at most so many lines and bytes. Empty when there is no log. */
export async function tailLines(path: string, lines: number, bytes: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const { size } = await file.stat();
    // Twice the bytes, because each line carries its time and stream besides its content.
    const start = Math.max(0, size - 2 * bytes - 64 * lines);
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(size - start),
      position: start,
    });
    const entries = [...new LineSplitter().push(buffer.subarray(0, bytesRead))]
      .map((line) => parseEntry(line))
      .filter((entry) => entry !== undefined);
    const text = entries
      .slice(-lines)
      .map((entry) => entry.content.toString('utf8') + (entry.partial ? '' : '\n'))
      .join('');
    return text.slice(-bytes);
  } finally {
    await file.close();
  }
}
