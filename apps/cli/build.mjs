// Bundles the command line into one file, dist/gantry.cjs, that starts fast: node apps/cli/build.mjs
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));

await build({
  input: join(here, 'dist/main.js'),
  platform: 'node',
  resolve: {
    conditionNames: ['node', 'import', 'require', 'default'],
    alias: {
      // One copy, whoever imports it.
      yaml: join(here, 'node_modules/yaml/dist/index.js'),
      // commander would load 10 ms of Node for programs that run others.
      'node:child_process': join(here, 'no-child-process.mjs'),
    },
  },
  // The logger is the servers' affair, and nothing is done by loading our own modules.
  treeshake: {
    moduleSideEffects: (id) => !/\/(pino|libs)\//.test(id) || id.includes('/libs/api/'),
  },
  transform: { define: { GANTRY_VERSION: JSON.stringify(version) } },
  output: {
    file: join(here, 'dist/gantry.cjs'),
    format: 'cjs',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
    codeSplitting: false,
  },
  logLevel: 'warn',
});
