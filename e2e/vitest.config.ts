import { defineConfig } from 'vitest/config';

const conditions = ['@gantry/source', 'node'];

/** Black box: real etcd, real registry, real hosts. One file at a time, since each builds a small cluster. */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['e2e/**/*.spec.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
});
