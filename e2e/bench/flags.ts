import { parseArgs } from 'node:util';

/** What a flag of a bench takes, for the sentence that lists them, and its value when it is not given. */
export interface FlagUse {
  readonly takes: string;
  readonly fallback?: string;
}

/** The flags of one bench, by name without dashes; a bench exports its own as `flags`. */
export type FlagUses = Readonly<Record<string, FlagUse>>;

/** The caller can mend it: the message names the flag and what it takes. */
export class UsageError extends Error {}

/** Flags that every bench has. */
const shared = '--json FILE, --install-peers';

function listed(uses: FlagUses): string {
  const own = Object.entries(uses).map(([name, { takes, fallback }]) => {
    return `--${name} ${takes}${fallback === undefined ? '' : ` (${fallback})`}`;
  });
  return [...own, shared].join(', ');
}

/** The values of a bench's flags. */
export class Flags {
  private readonly bench: string;
  private readonly uses: FlagUses;
  private readonly values: ReadonlyMap<string, string>;

  private constructor(bench: string, uses: FlagUses, values: ReadonlyMap<string, string>) {
    this.bench = bench;
    this.uses = uses;
    this.values = values;
  }

  /** Reads `--name value` and `--name=value`. UsageError for any other argument, and for a flag without a value. */
  static read(bench: string, uses: FlagUses, args: readonly string[]): Flags {
    const names = Object.keys(uses);
    const options = Object.fromEntries(names.map((name) => [name, { type: 'string' } as const]));
    try {
      const { values } = parseArgs({ args: [...args], options });
      const given = Object.entries(values).map(([name, value]) => [name, String(value)] as const);
      return new Flags(bench, uses, new Map(given));
    } catch (error) {
      const [why] = (error as Error).message.split(/[.\n]/, 1);
      throw new UsageError(`bench ${bench}: ${why}; its flags are ${listed(uses)}`);
    }
  }

  /** Whether the caller gave it. */
  has(name: string): boolean {
    return this.values.has(name);
  }

  /** Undefined when it was not given and there is nothing else to take. */
  find(name: string): string | undefined {
    return this.values.get(name) ?? this.use(name).fallback;
  }

  /** UsageError when there is none. */
  text(name: string): string {
    const value = this.find(name);
    if (value) return value;
    throw this.refusal(name, 'is missing');
  }

  /** Whole numbers from 1 on, with commas between them. */
  numbers(name: string): number[] {
    const text = this.text(name);
    const numbers = text.split(',').map(Number);
    if (numbers.every((number) => Number.isSafeInteger(number) && number > 0)) return numbers;
    throw this.refusal(name, `${text} is no whole number from 1 on`);
  }

  /** One whole number from 1 on. */
  number(name: string): number {
    const [number, ...more] = this.numbers(name);
    if (more.length > 0) throw this.refusal(name, 'takes one number only');
    return number!;
  }

  /** What to throw when the value of the flag is of no use. */
  refusal(name: string, why: string): UsageError {
    return new UsageError(`bench ${this.bench}: --${name} ${this.use(name).takes}: ${why}`);
  }

  private use(name: string): FlagUse {
    const use = this.uses[name];
    if (!use) throw new Error(`bench ${this.bench} does not declare --${name}`);
    return use;
  }
}
