import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readLog, type LogSelection } from './log-reader.js';
import { tailLines } from './log-tail.js';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gantry-logs-'));
  path = join(dir, '0.log');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const at = (second: number) => `2026-01-01T00:00:0${second}.000000001Z`;
const entry = (second: number, text: string, tag = 'F') => `${at(second)} stdout ${tag} ${text}\n`;
const all = { follow: false, timestamps: false, tailLines: -1, sinceMs: 0, limitBytes: 0 };

async function read(selection: Partial<LogSelection>, ended = true, stop = new AbortController()) {
  const source = { path, maxFiles: 3, ended: () => ended };
  let text = '';
  for await (const chunk of readLog(source, { ...all, ...selection }, stop.signal)) text += chunk;
  return text;
}

test('reads rotated files oldest first and joins parts of a line', async () => {
  await writeFile(`${path}.2`, entry(1, 'one'));
  await writeFile(`${path}.1`, entry(2, 'two'));
  await writeFile(path, entry(3, 'thr', 'P') + entry(3, 'ee') + entry(4, 'four') + 'torn');
  expect(await read({})).toBe('one\ntwo\nthree\nfour\n');
  expect(await read({ tailLines: 2 })).toBe('three\nfour\n');
  expect(await read({ tailLines: 0 })).toBe('');
  expect(await read({ timestamps: true, tailLines: 2 })).toBe(`${at(3)} three\n${at(4)} four\n`);
  expect(await read({ sinceMs: Date.parse(at(3)) })).toBe('three\nfour\n');
  expect(await read({ limitBytes: 6 })).toBe('one\ntw');
});

test('follows a log over its rotation to its end', async () => {
  let ended = false;
  await writeFile(path, entry(1, 'old') + entry(2, 'last'));
  const source = { path, maxFiles: 3, ended: () => ended };
  const selection = { ...all, follow: true, tailLines: 1 };
  const lines: string[] = [];
  const seen = (async () => {
    for await (const chunk of readLog(source, selection, new AbortController().signal)) {
      lines.push(chunk.toString());
    }
  })();
  await expect.poll(() => lines).toEqual(['last\n']);
  await appendFile(path, entry(3, 'more'));
  await rename(path, `${path}.1`);
  await writeFile(path, entry(4, 'after'));
  await expect.poll(() => lines).toEqual(['last\n', 'more\n', 'after\n']);
  ended = true;
  await appendFile(path, entry(5, 'end'));
  await seen;
  expect(lines.at(-1)).toBe('end\n');
});

test('ends as soon as nobody reads any more', async () => {
  await writeFile(path, entry(1, 'x'));
  const stop = new AbortController();
  const reading = read({ follow: true }, false, stop);
  stop.abort(new Error('left'));
  await expect(reading.catch((error: Error) => error.message)).resolves.toMatch(/^(left|x\n|)$/);
});

test('the tail is bounded in lines and bytes', async () => {
  await writeFile(path, Array.from({ length: 100 }, (_, i) => entry(1, `line ${i}`)).join(''));
  expect(await tailLines(path, 2, 1000)).toBe('line 98\nline 99\n');
  expect(await tailLines(path, 80, 10)).toHaveLength(10);
  expect(await tailLines(join(dir, 'none'), 80, 10)).toBe('');
});
