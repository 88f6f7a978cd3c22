import type { PullProgress } from '@gantry/image';

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const seconds = (ms: number) => `${(ms / 1000).toFixed(1)}s`;

function leftText(secondsLeft: number): string {
  const whole = Math.ceil(secondsLeft);
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${whole % 60}s`;
}

/** How far a pull is, in one sentence for people. */
export function progressSentence(image: string, progress: PullProgress): string {
  const { phase, layersDone, layersTotal, bytesDone, bytesTotal } = progress;
  const { bytesPerSecond, secondsLeft, waiting } = progress;
  const subject = `Pulling image "${image}"`;
  if (phase === 'resolving') return `${subject}: ${waiting ?? 'asking the registry'}`;
  const layers = `${layersDone} of ${layersTotal} layers`;
  const amount = `${layers}, ${mebibytes(bytesDone)} of ${mebibytes(bytesTotal)}`;
  const left = secondsLeft === undefined ? '' : `, ${leftText(secondsLeft)} left`;
  return `${subject}: ${amount}, ${waiting ?? `${mebibytes(bytesPerSecond)}/s${left}`}`;
}

/** Takes the times of a pull's phases; layers are unpacked while they download, what is left after counts as unpacking. */
export class PullTimes {
  private resolvedMs?: number;
  private downloadedMs?: number;
  private last?: PullProgress;

  note(progress: PullProgress): void {
    const { phase, elapsedMs, bytesDone, bytesTotal } = progress;
    this.last = progress;
    if (phase === 'resolving') return;
    this.resolvedMs ??= elapsedMs;
    if (bytesDone >= bytesTotal) this.downloadedMs ??= elapsedMs;
  }

  /** `resolve 0.1s, download 2.3s, unpack 0.4s; 5 layers, 1 present, 120.3 MiB downloaded`. */
  text(): string {
    const { last } = this;
    if (!last) return 'the registry has nothing newer';
    const { elapsedMs, layersTotal, layersPresent, bytesTotal } = last;
    const resolvedMs = this.resolvedMs ?? elapsedMs;
    const downloadedMs = Math.max(this.downloadedMs ?? elapsedMs, resolvedMs);
    const phases = [
      `resolve ${seconds(resolvedMs)}`,
      `download ${seconds(downloadedMs - resolvedMs)}`,
      `unpack ${seconds(Math.max(0, elapsedMs - downloadedMs))}`,
    ];
    const layers = `${layersTotal} layers, ${layersPresent} present`;
    return `${phases.join(', ')}; ${layers}, ${mebibytes(bytesTotal)} downloaded`;
  }
}
