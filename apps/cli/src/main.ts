import { run } from './program.js';
import { systemTerminal } from './terminal.js';

// A reader that leaves early (`| head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

const abort = new AbortController();
process.once('SIGINT', () => {
  abort.abort();
  // Whatever does not listen to the signal ends at the second interrupt.
  process.once('SIGINT', () => process.exit(130));
});
process.once('SIGTERM', () => process.exit(143));

async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), {
    terminal: systemTerminal(process.env),
    env: process.env,
    signal: abort.signal,
  });
  // Nothing is left to do, but an idle stdin would keep the process.
  process.stdin.destroy();
}

void main();
