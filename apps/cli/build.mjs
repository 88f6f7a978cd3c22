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
  resolve: { conditionNames: ['node', 'import', 'require', 'default'] },
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
