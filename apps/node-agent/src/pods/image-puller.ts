import type { Container, Pod } from '@gantry/api';
import { describeError } from '@gantry/base';
import { ImageError, type Image, type PullProgress } from '@gantry/image';
import type { NodeContext } from './node-context.js';
import { registryAuth } from './registry-auth.js';
import { StartFailure } from './start-failure.js';

/** The first progress event comes after this long, the next after twice as long …, in milliseconds. */
const firstProgressMs = 10_000;

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function describeProgress(image: string, progress: PullProgress): string {
  const { layersDone, layersTotal, bytesDone, bytesTotal, bytesPerSecond, waiting } = progress;
  if (progress.phase === 'resolving') return `Pulling image "${image}": asking the registry`;
  const amount = `${layersDone} of ${layersTotal} layers, ${mebibytes(bytesDone)} of ${mebibytes(bytesTotal)}`;
  const rate = waiting ?? `${mebibytes(bytesPerSecond)}/s`;
  return `Pulling image "${image}": ${amount}, ${rate}`;
}

/** Makes a container's image present by its policy and tells the pod's events what happens. */
export class ImagePuller {
  constructor(private readonly context: NodeContext) {}

  /** Throws StartFailure with the reason a kubelet would give. */
  async pull(pod: Pod, container: Container, signal: AbortSignal): Promise<Image> {
    const name = container.image ?? '';
    const { images, metrics } = this.context;
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    const present = policy === 'Always' ? undefined : await images.get(name).catch(() => undefined);
    if (present) {
      this.event(pod, container, 'Pulled', `Container image "${name}" already present on machine`);
      return present;
    }
    const startedMs = this.context.clock.now();
    if (policy !== 'Never') this.event(pod, container, 'Pulling', `Pulling image "${name}"`);
    try {
      const auth = registryAuth(pod, this.context.resources(pod.metadata.namespace!));
      const onProgress = this.progressEvents(pod, container, startedMs);
      const image = await images.pull(name, { policy, auth, signal, onProgress });
      const tookMs = this.context.clock.now() - startedMs;
      metrics.pulls.inc({ outcome: 'ok' });
      const size = `Image size: ${image.sizeBytes} bytes.`;
      this.event(
        pod,
        container,
        'Pulled',
        `Successfully pulled image "${name}" in ${tookMs}ms. ${size}`,
      );
      return image;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      metrics.pulls.inc({ outcome: 'error' });
      throw this.failure(pod, container, error);
    }
  }

  private failure(pod: Pod, container: Container, error: unknown): StartFailure {
    const reason = error instanceof ImageError ? error.waitingReason : 'ErrImagePull';
    const message = `Failed to pull image "${container.image}": ${describeError(error)}`;
    this.context.events.emit(pod, {
      type: 'Warning',
      reason: 'Failed',
      message,
      container: container.name,
    });
    return new StartFailure(reason, describeError(error), { cause: error });
  }

  private event(pod: Pod, container: Container, reason: string, message: string): void {
    this.context.events.emit(pod, { type: 'Normal', reason, message, container: container.name });
  }

  private progressEvents(pod: Pod, container: Container, startedMs: number) {
    let nextMs = firstProgressMs;
    return (progress: PullProgress) => {
      const elapsedMs = this.context.clock.now() - startedMs;
      if (elapsedMs < nextMs || progress.phase === 'done') return;
      nextMs = elapsedMs * 2;
      this.event(pod, container, 'Pulling', describeProgress(container.image ?? '', progress));
    };
  }
}
