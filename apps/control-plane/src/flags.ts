import { isIP } from 'node:net';
import { badRequest } from '@gantry/base';

export interface Flag {
  /** What stands for the value in the help text. */
  readonly value: string;
  readonly help: string;
  readonly default?: string;
}

export function flagOptions(
  flags: Readonly<Record<string, Flag>>,
): Record<string, { type: 'string' }> {
  return Object.fromEntries(Object.keys(flags).map((name) => [name, { type: 'string' }]));
}

/** One line per flag. */
export function describeFlags(flags: Readonly<Record<string, Flag>>): string {
  const lines = Object.entries(flags).map(([name, { value, help, default: standard }]) => {
    const left = `  --${name} ${value}`.padEnd(36);
    return `${left} ${help}${standard ? ` (default ${standard})` : ''}`;
  });
  return lines.join('\n');
}

/** Reads flags and collects what is wrong with them, so that all faults are told at once. */
export class FlagReader<Name extends string> {
  private readonly faults: string[] = [];

  constructor(
    private readonly flags: Readonly<Record<Name, Flag>>,
    private readonly values: Readonly<Record<string, unknown>>,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  refuseUnknown(): void {
    for (const [name, value] of Object.entries(this.values)) {
      if (!(name in this.flags)) this.faults.push(`--${name} is unknown`);
      else if (typeof value !== 'string') this.faults.push(`--${name} needs a value`);
    }
  }

  optional(name: Name): string | undefined {
    const flag = this.values[name];
    if (typeof flag === 'string' && flag !== '') return flag;
    return this.env[`GANTRY_${name.toUpperCase().replaceAll('-', '_')}`] || undefined;
  }

  text(name: Name): string {
    return this.optional(name) ?? this.flags[name].default ?? '';
  }

  list(name: Name): string[] {
    return this.text(name)
      .split(',')
      .filter((item) => item !== '');
  }

  integer(name: Name, min: number, max: number): number {
    const text = this.text(name);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    this.faults.push(`--${name} ${text}: give a whole number from ${min} to ${max}`);
    return min;
  }

  oneOf<T extends string>(name: Name, choices: readonly T[]): T {
    const text = this.text(name);
    const found = choices.find((choice) => choice === text);
    if (found) return found;
    this.faults.push(`--${name} ${text}: give one of ${choices.join(', ')}`);
    return choices[0] as T;
  }

  address(name: Name): string {
    const text = this.text(name);
    this.require(isIP(text) !== 0, `--${name} ${text}: give an IP address`);
    return text;
  }

  host(name: Name): string {
    const text = this.text(name);
    const good = isIP(text) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text);
    this.require(good, `--${name} ${text}: give an IP address or a host name, without a port`);
    return text;
  }

  cidr(name: Name): string {
    const text = this.text(name);
    const [address = '', bits = ''] = text.split('/');
    const good =
      isIP(address) === 4 && /^\d+$/.test(bits) && Number(bits) >= 8 && Number(bits) <= 28;
    this.require(good, `--${name} ${text}: give an IPv4 network such as 10.42.0.0/16`);
    return text;
  }

  parsed<T>(name: Name, parse: (text: string) => T): T {
    try {
      return parse(this.text(name));
    } catch (error) {
      this.faults.push(`--${name}: ${(error as Error).message}`);
      return undefined as T;
    }
  }

  require(holds: boolean, fault: string): void {
    if (!holds) this.faults.push(fault);
  }

  throwFaults(): void {
    if (this.faults.length === 0) return;
    throw badRequest(`${this.faults.join('\n')}\nsee --help for all flags`);
  }
}
