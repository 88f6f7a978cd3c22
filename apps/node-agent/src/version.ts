import { readFileSync } from 'node:fs';

const manifest = new URL('../package.json', import.meta.url);

/** The version of this agent, from its package. */
export const agentVersion: string = (
  JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
).version;
