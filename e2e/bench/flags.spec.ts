import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Flags, UsageError } from './flags.ts';

const uses = {
  nodes: { takes: 'N,…', fallback: '5,10' },
  trace: { takes: 'DIR' },
};
const read = (...args: string[]) => Flags.read('some', uses, args);

test('a flag that is not given has its fallback, if there is one', () => {
  expect(read().numbers('nodes')).toEqual([5, 10]);
  expect(read().has('nodes')).toBe(false);
  expect(read().find('trace')).toBeUndefined();
  expect(read('--nodes=7', '--trace', 'here').number('nodes')).toBe(7);
  expect(read('--trace', 'here').text('trace')).toBe('here');
});

test.each<[string, () => unknown, RegExp]>([
  ['unknown', () => read('--bogus', '1'), /--bogus.*--nodes N,… \(5,10\), --trace DIR, --json/],
  ['without its value', () => read('--trace'), /--trace.*its flags are/],
  ['no flag at all', () => read('here'), /here.*its flags are/],
  ['missing', () => read().text('trace'), /^bench some: --trace DIR: is missing$/],
  ['zero', () => read('--nodes', '0').numbers('nodes'), /--nodes N,…: 0 is no whole number/],
  ['no number', () => read('--nodes', 'x').numbers('nodes'), /x is no whole number/],
  ['too many numbers', () => read('--nodes', '1,2').number('nodes'), /one number only/],
])('an argument that is %s is refused', (_title, act, message) => {
  expect(act).toThrow(UsageError);
  expect(act).toThrow(message);
});

/** Runs the command as `npm run bench` does. */
function bench(...args: string[]): { status: number | null; stderr: string } {
  const main = join(import.meta.dirname, 'main.ts');
  return spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
}

// One with flags of its own, and one without any.
test.each(['scheduler', 'container-start'])(
  'bench %s refuses a flag that it does not have, in one sentence',
  (name) => {
    const { status, stderr } = bench(name, '--bogus');
    expect(stderr).toMatch(new RegExp(`^bench ${name}: [^\n]*--bogus[^\n]*its flags are[^\n]*\n$`));
    expect(status).toBe(2);
  },
);

test('bench packing says what is missing', () => {
  const { status, stderr } = bench('packing');
  expect(stderr).toMatch(/^bench packing: --trace DIR: [^\n]*clusterdata\n$/);
  expect(status).toBe(2);
});
