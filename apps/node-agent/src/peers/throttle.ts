import { Transform, type TransformCallback } from 'node:stream';

/** A second's worth may go at once. */
const burstSeconds = 1;

/** One allowance of bytes per second that all streams through it share; 0 is without a bound. */
export class Throttle {
  private available: number;
  private atMs = performance.now();

  constructor(private readonly bytesPerSecond: number) {
    this.available = bytesPerSecond * burstSeconds;
  }

  /** A stream that lets bytes through as the allowance permits, and tells how many. */
  stream(onBytes: (bytes: number) => void): Transform {
    let timer: NodeJS.Timeout | undefined;
    const transform = (chunk: Buffer, _: BufferEncoding, done: TransformCallback) => {
      onBytes(chunk.length);
      const waitMs = this.take(chunk.length);
      if (waitMs <= 0) return done(null, chunk);
      timer = setTimeout(() => done(null, chunk), waitMs);
    };
    const destroy = (error: Error | null, done: (error: Error | null) => void) => {
      clearTimeout(timer);
      done(error);
    };
    return new Transform({ transform, destroy });
  }

  /** Takes the bytes and tells how long to wait for them, in milliseconds: debts are paid in turn. */
  take(bytes: number, nowMs = performance.now()): number {
    if (this.bytesPerSecond === 0) return 0;
    const earned = ((nowMs - this.atMs) / 1000) * this.bytesPerSecond;
    this.available = Math.min(this.bytesPerSecond * burstSeconds, this.available + earned) - bytes;
    this.atMs = nowMs;
    return this.available >= 0 ? 0 : (-this.available / this.bytesPerSecond) * 1000;
  }
}
