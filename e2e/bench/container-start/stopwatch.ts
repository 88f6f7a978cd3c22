import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';

interface Answer {
  readonly ms: number;
  readonly code: number;
}

/** Times whole processes in a small native program: spawning from Node would cost more than what is measured. */
export class Stopwatch {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  /** `shell` runs first in a mount namespace of the stopwatch's own; what is timed then starts in there. */
  constructor(program: string, shell?: string) {
    const argv = shell
      ? ['unshare', '-m', '--propagation', 'private', 'sh', '-c', `${shell} && exec "$0"`, program]
      : [program];
    const [command = '', ...rest] = argv;
    this.child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.reader = createInterface({ input: this.child.stdout! });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  /** Milliseconds from spawn to exit of `argv`, after a rest of `idleMs`; a failing program throws. */
  async time(argv: readonly string[], idleMs: number): Promise<number> {
    this.child.stdin!.write(`${JSON.stringify({ argv, idleMs })}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`the stopwatch ended while timing ${argv.join(' ')}`);
    const answer = JSON.parse(value) as Answer;
    if (answer.code !== 0) throw new Error(`${argv.join(' ')} ended with ${answer.code}`);
    return answer.ms;
  }

  async close(): Promise<void> {
    this.reader.close();
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.child.stdin!.end();
    if (this.child.exitCode === null) await closed;
  }
}
