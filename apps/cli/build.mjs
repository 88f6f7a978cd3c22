// Bundles the command line into one file, dist/gantry.cjs, that starts fast: node apps/cli/build.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));

const bundle = await rolldown({
  input: { gantry: join(here, 'dist/main.js') },
  platform: 'node',
  resolve: {
    conditionNames: ['node', 'import', 'require', 'default'],
    alias: {
      // One copy, whoever imports it.
      yaml: createRequire(import.meta.url).resolve('yaml'),
      // commander would load 10 ms of Node for programs that run others.
      'node:child_process': join(here, 'no-child-process.mjs'),
    },
  },
  // The logger is the servers' affair, and nothing is done by loading our own modules but declaring.
  treeshake: {
    moduleSideEffects: (id) => !/\/(pino|libs)\//.test(id) || id.includes('/libs/api/'),
  },
  transform: { define: { GANTRY_VERSION: JSON.stringify(version) } },
  logLevel: 'warn',
});
const { output } = await bundle.generate({
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  minify: { compress: true, mangle: false, codegen: { removeWhitespace: true } },
});

// What is imported lazily lies in the file as text: V8 passes over a string much faster than over code,
// and compiles it when a command needs it.
const [entry, ...chunks] = output.filter(({ type }) => type === 'chunk');
const texts = Object.fromEntries(chunks.map(({ fileName, code }) => [`./${fileName}`, code]));
const loader = `'use strict';
const texts = ${JSON.stringify(texts)};
const loaded = { './${entry.fileName}': module };
function load(name) {
  if (loaded[name]) return loaded[name].exports;
  if (!(name in texts)) return require(name);
  const chunk = (loaded[name] = { exports: {} });
  const parameters = ['require', 'module', 'exports'];
  require('node:vm').compileFunction(texts[name], parameters, { filename: name })(load, chunk, chunk.exports);
  return chunk.exports;
}
(function (require) {
${entry.code}
})(load);
`;
writeFileSync(join(here, 'dist', entry.fileName), loader);
