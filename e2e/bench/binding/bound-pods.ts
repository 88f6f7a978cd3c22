import { request } from 'node:https';
import type { Credentials } from '../../cluster/control-plane-process.ts';

/** A pod's own name, which the server has made or the client has given. */
const generated = /"generateName":"([^"]+)".*?"name":"(?<name>\1[^"]+)"/;
const given = /"metadata":\{[^}]*?"name":"(?<name>[^"]+)"/;

/** Sees by one watch of the API which pods have their node, by name, and when. */
export class BoundPods {
  readonly boundMs = new Map<string, number>();
  private partial = '';
  private failure: Error | undefined;
  private readonly waiting = new Set<() => void>();
  private readonly call;

  constructor(apiUrl: string, { ca, certificate: cert, key }: Credentials) {
    const path = '/api/v1/pods?watch=true&resourceVersion=0';
    this.call = request(apiUrl + path, { ca, cert, key, agent: false }, (answer) => {
      answer.setEncoding('utf8').on('data', (text: string) => this.take(text));
      answer.on('close', () => this.fail(new Error('the watch of pods ended')));
    });
    this.call.on('error', (error) => this.fail(error)).end();
  }

  /** Resolves when all of them are bound. */
  async all(names: readonly string[]): Promise<void> {
    let checked = 0;
    for (;;) {
      while (checked < names.length && this.boundMs.has(names[checked]!)) checked += 1;
      if (checked === names.length) return;
      if (this.failure) throw this.failure;
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  /** Resolves when so many pods are bound whose names start with this. */
  async count(prefix: string, count: number): Promise<void> {
    // An iterator over a map goes on with what was added after it had come to the end.
    const names = this.boundMs.keys();
    let [found, seen] = [0, 0];
    for (;;) {
      for (; seen < this.boundMs.size; seen += 1) {
        if (names.next().value!.startsWith(prefix)) found += 1;
      }
      if (found >= count) return;
      if (this.failure) throw this.failure;
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  close(): void {
    this.call.destroy();
  }

  private take(text: string): void {
    const lines = (this.partial + text).split('\n');
    this.partial = lines.pop()!;
    const nowMs = performance.now();
    // Parsing every event would cost the client as much as making it costs the server.
    for (const line of lines) {
      if (!line.includes('"nodeName":"')) continue;
      const name = (generated.exec(line) ?? given.exec(line))?.groups!['name'];
      if (name !== undefined && !this.boundMs.has(name)) this.boundMs.set(name, nowMs);
    }
    this.wake();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
