import { cpSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStore } from '../conformance/store-suite.js';
import type { StoreHarness } from '../conformance/harness.js';
import { EmbeddedStore } from './embedded-store.js';

const progressIntervalMs = 200;

function inMemory(): StoreHarness {
  const store = new EmbeddedStore({ progressIntervalMs });
  // Memory has no crash to survive.
  return {
    store: () => store,
    other: () => store,
    crash: async () => {},
    stop: () => store.close(),
  };
}

/** A crash leaves what the files hold at that moment: they are copied while the store is open. */
async function inFile(): Promise<StoreHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-store-'));
  let generation = 0;
  const open = () => {
    const file = join(directory, String(generation), 'store.db');
    return new EmbeddedStore({ file, progressIntervalMs });
  };
  mkdirSync(join(directory, '0'));
  let store = open();
  return {
    store: () => store,
    other: () => store,
    async crash() {
      const before = store;
      const from = join(directory, String(generation));
      generation += 1;
      // In one turn, so that nothing is acknowledged between the copy and the crash.
      cpSync(from, join(directory, String(generation)), { recursive: true });
      store = open();
      await before.close();
    },
    async stop() {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeStore('EmbeddedStore in memory', async () => inMemory());
describeStore('EmbeddedStore in a file', inFile);
