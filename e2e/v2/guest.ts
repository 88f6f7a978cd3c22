import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, run } from '../cluster/process.ts';

const memory = '768M';
const patienceMs = 120_000;

/**
 * Runs a shell script as root in a virtual machine (User Mode Linux) whose kernel has a real unified cgroup v2
 * with cpu, io, memory and pids. The guest sees this machine's files and can write them: keep to $TMPDIR.
 */
export async function runInGuest(script: string): Promise<Outcome> {
  if (!existsSync('/usr/bin/linux.uml')) {
    throw new Error('linux.uml is not installed: apt-get install user-mode-linux kmod');
  }
  const directory = mkdtempSync('/var/tmp/gantry-guest-');
  const scriptFile = join(directory, 'script');
  const result = join(directory, 'result');
  try {
    writeFileSync(scriptFile, script);
    const kernel = [
      'linux.uml',
      `mem=${memory}`,
      'root=/dev/root',
      'rootfstype=hostfs',
      'rootflags=/',
      'rw',
    ];
    const init = [`init=${join(import.meta.dirname, 'init.sh')}`];
    const environment = [`GUEST_SCRIPT=${scriptFile}`, `GUEST_RESULT=${result}`];
    const console = ['con=null', 'con0=fd:0,fd:1', 'quiet'];
    const booted = await run([...kernel, ...console, ...init, ...environment], {
      timeoutMs: patienceMs,
    });
    if (!existsSync(`${result}.code`)) {
      throw new Error(`the guest did not come to its end:\n${booted.stdout}\n${booted.stderr}`);
    }
    const stdout = readFileSync(`${result}.out`, 'utf8');
    return { code: Number(readFileSync(`${result}.code`, 'utf8')), stdout, stderr: booted.stdout };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
