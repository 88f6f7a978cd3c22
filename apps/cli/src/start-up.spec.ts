import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const bundle = fileURLToPath(new URL('../dist/gantry.cjs', import.meta.url));
const rounds = 20;
// A bare Node takes 27 ms on a quiet machine, so that this keeps the whole under 80 ms there.
const mostAboveNodeMs = 50;

function elapsedMs(...argv: string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return performance.now() - start;
}

describe('the bundle', () => {
  it('starts fast: at most 50 ms above a bare Node, the best of paired runs', () => {
    expect(existsSync(bundle), `${bundle} is not built: npm run build`).toBe(true);
    const runs = Array.from({ length: rounds }, () => ({
      bare: elapsedMs('-e', '0'),
      program: elapsedMs(bundle, '--version'),
    }));
    const best = (name: 'bare' | 'program') => Math.min(...runs.map((pair) => pair[name]));
    expect(best('program') - best('bare')).toBeLessThan(mostAboveNodeMs);
  });

  it('loads what it keeps as text', () => {
    const run = (...argv: string[]) =>
      spawnSync(process.execPath, [bundle, ...argv], { encoding: 'utf8' });
    expect(run('explain', 'deployment.spec', '--kubeconfig', '/nope').stdout).toContain('strategy');
    const manifest = 'apiVersion: v1\nkind: Pod\nmetadata: {}\n';
    const applied = spawnSync(
      process.execPath,
      [bundle, 'apply', '-f', '-', '--kubeconfig', '/nope'],
      {
        input: manifest,
        encoding: 'utf8',
      },
    );
    expect(applied.status).toBe(1);
    expect(applied.stderr).toContain('give --kubeconfig FILE');
  });
});
