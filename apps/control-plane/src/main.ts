#!/usr/bin/env node
import { run } from './commands/run.js';

async function main(): Promise<void> {
  process.exitCode = await run(process.argv.slice(2), process.env);
}

void main();
