import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const bundle = fileURLToPath(new URL('../dist/gantry.cjs', import.meta.url));
const rounds = 20;
const tickMs = 10;
// A bare Node starts in 27 to 31 ms on a quiet machine, so that this keeps the program under 80 ms there.
// It is a ratio of processor times, so that a busy machine changes little.
const mostTimesNode = 2.5;

/** Processor time of all children that this process has waited for (proc(5), cutime and cstime). */
function childrenMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[13]) + Number(fields[14])) * tickMs;
}

function processorMs(...argv: string[]): number {
  const before = childrenMs();
  for (let round = 0; round < rounds; round += 1) {
    const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  }
  return (childrenMs() - before) / rounds;
}

describe('the bundle', () => {
  it('starts fast: in at most two and a half times what a bare Node takes', () => {
    expect(existsSync(bundle), `${bundle} is not built: npm run build`).toBe(true);
    const bare = processorMs('-e', '0');
    expect(bare).toBeGreaterThan(0);
    expect(processorMs(bundle, '--version') / bare).toBeLessThan(mostTimesNode);
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
