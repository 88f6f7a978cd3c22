import type { Clock } from '@gantry/base';

/** After this many failures in a row a member of several is left alone for a moment. */
const failuresBeforePause = 2;
const pauseMs = 1_000;

interface Member<T> {
  readonly client: T;
  failures: number;
  pausedUntilMs: number;
}

/** The members of a cluster in turn, without those that have just failed again and again while others are left. */
export class Members<T> {
  private readonly members: Member<T>[];
  private turn = 0;

  constructor(
    clients: readonly T[],
    private readonly clock: Clock,
  ) {
    this.members = clients.map((client) => ({ client, failures: 0, pausedUntilMs: 0 }));
  }

  /** Calls the next one; what it throws counts against it if `isItsFault` says so. */
  async call<R>(
    use: (client: T) => Promise<R>,
    isItsFault: (error: unknown) => boolean,
  ): Promise<R> {
    const member = this.next();
    try {
      const result = await use(member.client);
      member.failures = 0;
      return result;
    } catch (error) {
      if (isItsFault(error)) this.failed(member);
      throw error;
    }
  }

  private failed(member: Member<T>): void {
    member.failures += 1;
    if (member.failures >= failuresBeforePause) {
      member.pausedUntilMs = this.clock.now() + pauseMs;
    }
  }

  private next(): Member<T> {
    const nowMs = this.clock.now();
    const { members } = this;
    for (let tried = 0; tried < members.length; tried += 1) {
      const member = members[this.turn++ % members.length]!;
      if (member.pausedUntilMs <= nowMs) return member;
    }
    return members[this.turn++ % members.length]!;
  }
}
