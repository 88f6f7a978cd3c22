import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const tracked = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' });
const documents = tracked.split('\n').filter((name) => name !== '');
const folders = 'apps|libs|native|deploy|e2e|proto|docs|\\.ci';
const cited = new RegExp('`((?:' + folders + ')/[\\w./-]+)`', 'g');
const linked = /\]\((?!https?:|#)([^)#]+)/g;

const found = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1] ?? '');

describe.each(documents)('%s', (name) => {
  const text = readFileSync(join(root, name), 'utf8');

  test('cites only paths that exist', () => {
    const built = /\/(dist|target|node_modules)\//;
    const paths = found(text, cited).filter((path) => !built.test(path));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('links only to files that exist', () => {
    const links = found(text, linked);
    expect(links.filter((link) => !existsSync(join(root, dirname(name), link)))).toEqual([]);
  });
});

test('there are documents to hold to this', () => {
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'ARCHITECTURE.md']));
});
