import { isAbsolute } from 'node:path';
import type { LogLevel } from '@gantry/base';
import { snapshotDriverNames, type SnapshotterChoice } from './snapshots/driver.js';

// What the flags of the agent take. Each throws what is wrong with the text, to follow the flag's name.

export function parseInteger(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new Error(`must be a whole number from ${min} to ${max}`);
  };
}

export function parseDirectory(text: string): string {
  if (!isAbsolute(text)) throw new Error('must be an absolute path');
  return text.replace(/(?<=.)\/+$/, '');
}

export function parseCgroup(text: string): string {
  if (/^(\/[\w.-]+)+$/.test(text) && !text.includes('..')) return text;
  throw new Error('must be a path like /gantry, without ".."');
}

export const noServers = (): string[] => [];

export function parseServers(text: string): string[] {
  const servers = text.split(',').filter((server) => server !== '');
  if (servers.length === 0)
    throw new Error('is required: the address of a control plane, HOST:6444');
  for (const server of servers) {
    if (!/^(\[[\da-fA-F:]+\]|[\w.-]+):\d{1,5}$/.test(server)) {
      throw new Error(`${JSON.stringify(server)} must be HOST:PORT`);
    }
  }
  return servers;
}

export function parseNodeName(text: string): string {
  const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
  if (text.length <= 253 && new RegExp(`^${label}(\\.${label})*$`).test(text)) return text;
  throw new Error('must be a DNS name in lower case, for example node-1 (set it with --node-name)');
}

export function parseLabels(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  const key = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/;
  const value = /^([A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?)?$/;
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      const [name, text] = [pair.slice(0, at), pair.slice(at + 1)];
      if (at < 1 || !key.test(name) || !value.test(text)) {
        throw new Error(`${JSON.stringify(pair)} must be KEY=VALUE`);
      }
      return [name, text];
    }),
  );
}

export function parseCaHash(text: string): string | undefined {
  if (text === '') return undefined;
  if (/^sha256:[\da-f]{64}$/.test(text)) return text;
  throw new Error('must be sha256: and 64 hexadecimal digits');
}

export function parseLogLevel(text: string): LogLevel {
  const levels: readonly string[] = ['debug', 'info', 'warn', 'error', 'silent'];
  if (levels.includes(text)) return text as LogLevel;
  throw new Error(`must be one of ${levels.join(', ')}`);
}

export function parseSnapshotter(text: string): SnapshotterChoice {
  const choices: readonly string[] = [...snapshotDriverNames, 'auto'];
  if (choices.includes(text)) return text as SnapshotterChoice;
  throw new Error(`must be one of ${choices.join(', ')}`);
}
