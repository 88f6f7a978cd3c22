/** One line (or part of a line) of a log in the format of the Container Runtime Interface. */
export interface LogEntry {
  /** RFC 3339 with nanoseconds, as written. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** The line goes on in the next entry of the same stream. */
  readonly partial: boolean;
  readonly content: Buffer;
}

const space = 0x20;

/** Parses `TIME STREAM TAG CONTENT`, without the newline; undefined when the line is torn. */
export function parseEntry(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(space);
  const second = line.indexOf(space, first + 1);
  const third = line.indexOf(space, second + 1);
  if (first < 0 || second < 0) return undefined;
  const stream = line.subarray(first + 1, second).toString('latin1');
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const tag = line.subarray(second + 1, third < 0 ? line.length : third).toString('latin1');
  return {
    time: line.subarray(0, first).toString('latin1'),
    stream,
    partial: tag.startsWith('P'),
    content: third < 0 ? Buffer.alloc(0) : line.subarray(third + 1),
  };
}

/** Cuts chunks into lines; what has no newline yet waits for the next chunk. */
export class LineSplitter {
  private rest: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Buffer> {
    let data = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    for (let at = data.indexOf(0x0a); at >= 0; at = data.indexOf(0x0a)) {
      yield data.subarray(0, at);
      data = data.subarray(at + 1);
    }
    // A copy, so that a small rest does not keep its large chunk alive.
    this.rest = Buffer.from(data);
  }
}
