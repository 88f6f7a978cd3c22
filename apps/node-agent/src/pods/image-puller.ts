import type { Container, Pod } from '@gantry/api';
import { describeError } from '@gantry/base';
import { ImageError, type Image, type PullPolicy, type PullProgress } from '@gantry/image';
import { progressSentence, PullTimes } from '../images/pull-times.js';
import type { NodeContext } from './node-context.js';
import { registryAuth } from './registry-auth.js';
import { StartFailure } from './start-failure.js';

/** The first progress event comes after this long, the next after twice as long …, in milliseconds. */
const firstProgressMs = 10_000;

/**
 * The status tells the progress first after this long, then after twice as long …, at least each so often, in
 * milliseconds: each of these is a write to the store, while NodeImages tells it at any time for nothing.
 */
const firstStatusMs = 1_000;
const maxStatusMs = 30_000;

/** Makes a container's image present by its policy and tells the pod's events what happens. */
export class ImagePuller {
  private readonly messages = new Map<string, { readonly message: string }>();

  constructor(
    private readonly context: NodeContext,
    private readonly onMessage: () => void,
  ) {}

  /** What the status says of pulls that run, by container. */
  get pulling(): ReadonlyMap<string, { readonly message: string }> {
    return this.messages;
  }

  /** Throws StartFailure with the reason a kubelet would give. */
  async pull(pod: Pod, container: Container, signal: AbortSignal): Promise<Image> {
    const name = container.image ?? '';
    const { images } = this.context;
    const policy = container.imagePullPolicy ?? 'IfNotPresent';
    const present = policy === 'Always' ? undefined : await images.get(name).catch(() => undefined);
    if (present) {
      this.event(pod, container, 'Pulled', `Container image "${name}" already present on machine`);
      return present;
    }
    if (policy !== 'Never') this.event(pod, container, 'Pulling', `Pulling image "${name}"`);
    try {
      return await this.fetch(pod, container, policy, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.context.metrics.pulls.inc({ outcome: 'error' });
      throw this.failure(pod, container, error);
    } finally {
      this.messages.delete(container.name);
    }
  }

  private async fetch(
    pod: Pod,
    container: Container,
    policy: PullPolicy,
    signal: AbortSignal,
  ): Promise<Image> {
    const name = container.image ?? '';
    const { images, metrics, clock, pulls } = this.context;
    const { namespace } = pod.metadata;
    const startedMs = clock.now();
    const times = new PullTimes();
    const auth = registryAuth(pod, this.context.resources(namespace!));
    const tell = this.teller(pod, container, startedMs);
    const image = await pulls.follow(name, `pod ${namespace}/${pod.metadata.name}`, (note) => {
      const onProgress = (progress: PullProgress) => {
        note(progress);
        times.note(progress);
        tell(progress);
      };
      return images.pull(name, { policy, auth, signal, onProgress });
    });
    metrics.pulls.inc({ outcome: 'ok' });
    const took = `in ${clock.now() - startedMs}ms (${times.text()})`;
    const size = `Image size: ${image.sizeBytes} bytes.`;
    this.event(pod, container, 'Pulled', `Successfully pulled image "${name}" ${took}. ${size}`);
    return image;
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

  /** Tells the progress in events and in the status, each less and less often. */
  private teller(pod: Pod, container: Container, startedMs: number) {
    let nextEventMs = firstProgressMs;
    let nextStatusMs = firstStatusMs;
    return (progress: PullProgress) => {
      const elapsedMs = this.context.clock.now() - startedMs;
      if (progress.phase === 'done') return;
      const sentence = () => progressSentence(container.image ?? '', progress);
      if (elapsedMs >= nextStatusMs) {
        nextStatusMs = elapsedMs + Math.min(elapsedMs, maxStatusMs);
        this.messages.set(container.name, { message: sentence() });
        this.onMessage();
      }
      if (elapsedMs < nextEventMs) return;
      nextEventMs = elapsedMs * 2;
      this.event(pod, container, 'Pulling', sentence());
    };
  }
}
