import type { Session } from '../session.js';
import type { NodeProgress } from './node-request.js';

const redrawMs = 100;
const rateWindowMs = 5_000;

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `12.3 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `45s`, `3m10s`, `2h05m`. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (h > 0) return `${h}h${String(m).padStart(2, '0')}m`;
  return m > 0 ? `${m}m${String(s).padStart(2, '0')}s` : `${s}s`;
}

/** How far something is, in one phrase. */
export function progressText(progress: NodeProgress): string {
  const { phase, bytesTotal = 0, bytesDone = 0, layersTotal = 0, layersDone = 0 } = progress;
  if (progress.waiting) return progress.waiting;
  if (bytesTotal === 0) return phase ?? 'working';
  const parts = [`${Math.floor((bytesDone / bytesTotal) * 100)}%`];
  parts.push(`${bytesText(bytesDone)} of ${bytesText(bytesTotal)}`);
  if (layersTotal > 0) parts.push(`${layersDone}/${layersTotal} layers`);
  if (progress.bytesPerSecond) parts.push(`${bytesText(progress.bytesPerSecond)}/s`);
  if (progress.secondsLeft !== undefined) parts.push(`${durationText(progress.secondsLeft)} left`);
  return parts.join(', ');
}

/** One line at the bottom of a terminal that tells how far each node is; nothing where nobody looks at it. */
export class ProgressLine {
  private readonly nodes = new Map<string, NodeProgress>();
  private drawnMs = 0;
  private isShown = false;

  constructor(private readonly session: Session) {}

  update(node: string, progress: NodeProgress): void {
    this.nodes.set(node, progress);
    const nowMs = performance.now();
    if (!this.session.terminal.errorColours || nowMs - this.drawnMs < redrawMs) return;
    this.drawnMs = nowMs;
    const { columns } = this.session.terminal.size();
    const text = [...this.nodes].map(([name, one]) => `${name}: ${progressText(one)}`).join(' | ');
    this.session.terminal.err(`\r\u001b[K${text.slice(0, columns - 1)}`);
    this.isShown = true;
  }

  done(node: string): void {
    this.nodes.delete(node);
  }

  clear(): void {
    if (this.isShown) this.session.terminal.err('\r\u001b[K');
    this.isShown = false;
  }
}

/** Passes chunks on and tells how many bytes have gone, and at what rate; `totalBytes` is 0 when unknown. */
export async function* measured(
  source: AsyncIterable<Uint8Array>,
  totalBytes: number,
  tell: (progress: NodeProgress) => void,
): AsyncGenerator<Uint8Array> {
  const samples: { atMs: number; bytes: number }[] = [];
  let bytesDone = 0;
  for await (const chunk of source) {
    yield chunk;
    bytesDone += chunk.length;
    const atMs = performance.now();
    samples.push({ atMs, bytes: bytesDone });
    while (samples[0]!.atMs < atMs - rateWindowMs) samples.shift();
    const [first] = samples;
    const elapsedMs = atMs - first!.atMs;
    const rate = elapsedMs > 0 ? ((bytesDone - first!.bytes) * 1000) / elapsedMs : 0;
    const secondsLeft = rate > 0 ? (totalBytes - bytesDone) / rate : undefined;
    const known = totalBytes > 0 ? { bytesTotal: totalBytes, bytesDone, secondsLeft } : {};
    tell({ phase: `sent ${bytesText(bytesDone)}`, ...known, bytesPerSecond: rate });
  }
}
