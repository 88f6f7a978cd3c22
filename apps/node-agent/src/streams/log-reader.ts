import { watch } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { LineSplitter, parseEntry, type LogEntry } from './cri-log.js';

/** Which part of a log is wanted. */
export interface LogSelection {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** -1: all. */
  readonly tailLines: number;
  /** 0: from the beginning. */
  readonly sinceMs: number;
  /** 0: no limit. */
  readonly limitBytes: number;
}

/** How much is read at once, in bytes. */
const chunkBytes = 64 * 1024;

/** How often a followed log is looked at although nothing was heard, in milliseconds. */
const pollMs = 500;

async function inode(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.ino;
}

/** The files of a log that exist, oldest first: PATH.N … PATH.1, PATH. */
async function logFiles(path: string, maxFiles: number): Promise<string[]> {
  const names = [path];
  for (let index = 1; index < maxFiles; index += 1) names.unshift(`${path}.${index}`);
  const present = await Promise.all(names.map(async (name) => ((await inode(name)) ? name : '')));
  return present.filter(Boolean);
}

async function* readLines(file: FileHandle, splitter: LineSplitter): AsyncGenerator<LogEntry> {
  for (;;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.allocUnsafe(chunkBytes) });
    if (bytesRead === 0) return;
    for (const line of splitter.push(buffer.subarray(0, bytesRead))) {
      const entry = parseEntry(line);
      if (entry) yield entry;
    }
  }
}

async function* readFileEntries(path: string): AsyncGenerator<LogEntry> {
  const file = await open(path, 'r').catch(() => undefined);
  if (!file) return;
  try {
    yield* readLines(file, new LineSplitter());
  } finally {
    await file.close();
  }
}

/** Resolves at the next change of the directory, the latest after `pollMs`; rejects when aborted. */
function changed(dir: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const watcher = watch(dir, () => done());
    const timer = setTimeout(() => done(), pollMs);
    const onAbort = () => done(signal.reason);
    const done = (error?: unknown) => {
      watcher.close();
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      if (error) reject(error);
      else resolve();
    };
    watcher.on('error', () => done());
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Reads a file as it grows and goes over to its successor when it was rotated away. */
async function* followEntries(
  path: string,
  dir: string,
  ended: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  let file = await open(path, 'r').catch(() => undefined);
  let splitter = new LineSplitter();
  try {
    for (;;) {
      const wasEnded = ended();
      if (file) yield* readLines(file, splitter);
      const current = await inode(path);
      if (current !== undefined && current !== (await file?.stat())?.ino) {
        if (file) yield* readLines(file, splitter);
        await file?.close();
        file = await open(path, 'r').catch(() => undefined);
        splitter = new LineSplitter();
        continue;
      }
      if (wasEnded) return;
      await changed(dir, signal);
    }
  } finally {
    await file?.close();
  }
}

/** Keeps the entries of the last `count` lines. */
async function lastLines(entries: AsyncIterable<LogEntry>, count: number): Promise<LogEntry[]> {
  let kept: LogEntry[] = [];
  let lines = 0;
  for await (const entry of entries) {
    kept.push(entry);
    if (!entry.partial) lines += 1;
    // Cutting only now and then keeps this linear in the size of the log.
    if (lines > count * 2 + 1000) {
      kept = cutToLines(kept, count);
      lines = count;
    }
  }
  return cutToLines(kept, count);
}

function cutToLines(entries: LogEntry[], count: number): LogEntry[] {
  let lines = 0;
  let at = entries.length;
  while (at > 0) {
    const ends = !entries[at - 1]!.partial;
    if (ends && lines === count) break;
    if (ends) lines += 1;
    at -= 1;
  }
  return count === 0 ? [] : entries.slice(at);
}

async function* concat(files: readonly string[]): AsyncGenerator<LogEntry> {
  for (const file of files) yield* readFileEntries(file);
}

/** Where a container's log is and when it will not grow any more. */
export interface LogSource {
  readonly path: string;
  readonly maxFiles: number;
  readonly ended: () => boolean;
}

async function* selectEntries(
  source: LogSource,
  selection: LogSelection,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  const files = await logFiles(source.path, source.maxFiles);
  const { tailLines, follow } = selection;
  const dir = source.path.slice(0, source.path.lastIndexOf('/'));
  if (!follow) {
    const all = concat(files);
    if (tailLines < 0) yield* all;
    else yield* await lastLines(all, tailLines);
    return;
  }
  const rotated = files.filter((file) => file !== source.path);
  if (tailLines < 0) {
    yield* concat(rotated);
    yield* followEntries(source.path, dir, source.ended, signal);
    return;
  }
  // The end of what is there, then what comes: entries are counted while they are read for the end.
  let seen = 0;
  async function* counted(): AsyncGenerator<LogEntry> {
    yield* concat(rotated);
    for await (const entry of readFileEntries(source.path)) {
      seen += 1;
      yield entry;
    }
  }
  yield* await lastLines(counted(), tailLines);
  for await (const entry of followEntries(source.path, dir, source.ended, signal)) {
    if (seen > 0) seen -= 1;
    else yield entry;
  }
}

/** The text of a log as `kubectl logs` shows it, chunk by chunk; ends with the log or the signal. */
export async function* readLog(
  source: LogSource,
  selection: LogSelection,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { sinceMs, limitBytes, timestamps } = selection;
  let left = limitBytes > 0 ? limitBytes : Infinity;
  let continues = false;
  for await (const entry of selectEntries(source, selection, signal)) {
    if (signal.aborted) return;
    if (sinceMs > 0 && Date.parse(entry.time) < sinceMs) continue;
    const prefix = timestamps && !continues ? `${entry.time} ` : '';
    continues = entry.partial;
    const text = Buffer.concat([
      Buffer.from(prefix),
      entry.content,
      Buffer.from(entry.partial ? '' : '\n'),
    ]);
    yield text.length > left ? text.subarray(0, left) : text;
    left -= text.length;
    if (left <= 0) return;
  }
}
