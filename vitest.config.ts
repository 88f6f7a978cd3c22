import { defineConfig } from 'vitest/config';

// Specs run on the sources: the condition makes `@gantry/x` resolve to its src, so no build comes first.
const conditions = ['@gantry/source', 'node'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['libs/*/src/**/*.spec.ts', 'apps/*/src/**/*.spec.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
