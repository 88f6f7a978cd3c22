import { describeError } from '@gantry/base';

/** A check may take this long, in milliseconds. */
const checkTimeoutMs = 2_000;

export interface HealthReport {
  readonly healthy: boolean;
  /** One line per check, as Kubernetes' components write them: `[+]store ok`. */
  readonly lines: readonly string[];
}

/** Named checks of whether this control plane can serve; modules add theirs at start. */
export class Health {
  private readonly checks = new Map<string, () => Promise<void>>();

  /** `check` throws with the reason when something is not right. */
  add(name: string, check: () => Promise<void>): void {
    this.checks.set(name, check);
  }

  async report(): Promise<HealthReport> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => {
        try {
          await withTimeout(check());
          return { healthy: true, line: `[+]${name} ok` };
        } catch (error) {
          return { healthy: false, line: `[-]${name} failed: ${describeError(error)}` };
        }
      }),
    );
    return {
      healthy: results.every((result) => result.healthy),
      lines: results.map((result) => result.line),
    };
  }
}

async function withTimeout(check: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no answer within ${checkTimeoutMs} ms`);
    timer = setTimeout(() => reject(error), checkTimeoutMs);
  });
  try {
    await Promise.race([check, late]);
  } finally {
    clearTimeout(timer);
  }
}
