import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Fault } from '@gantry/testing';
import { endByInput } from '../cluster/process.ts';
import type { SingleHost } from './single-host.ts';

/** What goes wrong with a manifest (of any image), or with the large layer of the image `layerOf`. */
export interface Rule {
  readonly layerOf?: string;
  /** How often (default: always). */
  readonly times?: number;
  /** `wrong`: other content of the same length. */
  readonly fault: Exclude<Fault, { body: Uint8Array }> | 'wrong';
}

export type Command =
  | { readonly push: string; readonly mebibytes: number }
  | { readonly rules: readonly Rule[] }
  | { readonly link: 'cut' | 'mended' }
  | { readonly ranges: string };

/** A registry inside a host's namespaces that fails as a test wants. */
export class FaultRegistry {
  private readonly child: ChildProcess;
  private readonly answers: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  static start(host: SingleHost): FaultRegistry {
    const script = join(import.meta.dirname, 'fault-registry-process.ts');
    return new FaultRegistry(host.start([process.execPath, script]));
  }

  /** Pushes an image of busybox and a layer of random bytes; returns the name to pull it by. */
  async push(name: string, mebibytes: number): Promise<string> {
    return (await this.ask({ push: name, mebibytes })) as string;
  }

  /** From now on only these faults happen. */
  async fail(...rules: Rule[]): Promise<void> {
    await this.ask({ rules });
  }

  async link(link: 'cut' | 'mended'): Promise<void> {
    await this.ask({ link });
  }

  /** The ranges by which the large layer of the image was asked for; empty for the whole. */
  async ranges(name: string): Promise<string[]> {
    return (await this.ask({ ranges: name })) as string[];
  }

  /** Ends it and removes its content. */
  async stop(): Promise<void> {
    await endByInput(this.child);
  }

  private async ask(command: Command): Promise<unknown> {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
    const { value, done } = await this.answers.next();
    if (done) throw new Error('the registry of faults has ended; see above');
    return JSON.parse(value);
  }
}
