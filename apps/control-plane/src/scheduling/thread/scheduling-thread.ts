import { Worker } from 'node:worker_threads';
import type { Pod } from '@gantry/api';
import { aborted, GantryError, unavailable, type Clock } from '@gantry/base';
import { profiles, type Profile, type ProfileName } from '@gantry/scheduler';
import type {
  FromScheduler,
  Question,
  Questions,
  SchedulingTask,
  ToScheduler,
} from './messages.js';

/** How long the thread may take to end its term and to answer, in milliseconds. */
const stopMs = 5_000;
const answerMs = 10_000;
/** Questions under way at a time. */
const maxAsked = 256;

/** The profile in a form that can cross into a thread. */
export function profileTask({ name, scores }: Profile): SchedulingTask['profile'] {
  const base = profiles[name as ProfileName].scores.map(({ score }) => [score.name, 0]);
  const own = scores.map(({ score, weight }) => [score.name, weight]);
  return { name: name as ProfileName, weights: Object.fromEntries([...base, ...own]) };
}

/** The scheduler of one term in a thread of its own, so that its decisions never hold a request up. */
export class SchedulingThread {
  private readonly worker: Worker;
  private readonly asked = new Map<number, PromiseWithResolvers<unknown>>();
  private readonly filled = Promise.withResolvers<void>();
  private readonly ended = Promise.withResolvers<void>();
  private serial = 0;

  constructor(
    task: SchedulingTask,
    private readonly clock: Clock,
    entry = new URL('./worker.js', import.meta.url),
  ) {
    this.filled.promise.catch(() => {});
    this.ended.promise.catch(() => {});
    this.worker = new Worker(entry, { workerData: task, name: 'scheduler' });
    this.worker.on('message', (message: FromScheduler) => this.take(message));
    this.worker.on('error', (error) => this.end(error));
    this.worker.on('exit', () => this.end());
  }

  /** Resolves when it can be asked; rejects when it ends before. */
  get fed(): Promise<void> {
    return this.filled.promise;
  }

  /** Works until the signal aborts and the thread has ended; rejects when it ends by itself. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.race([aborted(signal), this.ended.promise]);
    if (!signal.aborted) throw new Error("the scheduler's thread ended by itself");
    this.worker.postMessage({ type: 'stop' } satisfies ToScheduler, []);
    const cancel = this.clock.after(stopMs, () => void this.worker.terminate());
    await this.ended.promise.catch(() => {});
    cancel();
  }

  explain(pod: Pod, { thorough = false } = {}): Promise<Questions['explain']['answer']> {
    return this.ask('explain', { pod, thorough });
  }

  /** What the thread tells of itself, in Prometheus' text format. */
  metrics(): Promise<string> {
    return this.ask('metrics', undefined);
  }

  private async ask<Q extends Question>(
    question: Q,
    asked: Questions[Q]['asked'],
  ): Promise<Questions[Q]['answer']> {
    if (this.asked.size >= maxAsked)
      throw unavailable('the scheduler is asked too much: try again');
    const id = this.serial++;
    const answer = Promise.withResolvers<unknown>();
    this.asked.set(id, answer);
    const cancel = this.clock.after(answerMs, () =>
      answer.reject(unavailable('the scheduler does not answer: try again')),
    );
    this.worker.postMessage({ type: 'ask', id, question, asked } satisfies ToScheduler, []);
    try {
      return (await answer.promise) as Questions[Q]['answer'];
    } finally {
      cancel();
      this.asked.delete(id);
    }
  }

  private take(message: FromScheduler): void {
    if (message.type === 'fed') this.filled.resolve();
    else if (message.type === 'failed') this.end(new Error(message.message));
    else if (message.type === 'answer') this.asked.get(message.id)?.resolve(message.value);
    else {
      const { id, reason, message: text } = message;
      this.asked.get(id)?.reject(new GantryError(reason, text));
    }
  }

  private end(error?: Error): void {
    if (error) this.ended.reject(error);
    else this.ended.resolve();
    this.filled.reject(error ?? new Error("the scheduler's thread has ended"));
    for (const { reject } of this.asked.values()) reject(unavailable('the scheduler has ended'));
  }
}
