// Copies a built checkout to where a host keeps it: node deploy/stage.mjs DIR
// DIR/bin (node and the native programs), DIR/apps, DIR/libs, DIR/proto, DIR/node_modules without what only
// development needs. Offline: all comes from the checkout.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = process.argv[2];
if (!target) throw new Error('usage: node deploy/stage.mjs DIR');

const copy = (from, to = from) => {
  const source = join(root, from);
  if (!existsSync(source)) throw new Error(`${from} is not built: run npm run build first`);
  mkdirSync(dirname(join(target, to)), { recursive: true });
  cpSync(source, join(target, to), { recursive: true, verbatimSymlinks: true, force: true });
};

rmSync(target, { recursive: true, force: true });
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const skipped = /^node_modules\/(node-linux-|@gantry\/(testing|e2e|cli)$)/;

const projects = [
  'apps/control-plane',
  'libs/agent-protocol',
  'libs/api',
  'libs/api-machinery',
  'libs/base',
  'libs/controller',
  'libs/scheduler',
  'libs/store',
];
const ours = new RegExp(`^((${projects.join('|')})/)?node_modules/`);

for (const [path, entry] of Object.entries(lock.packages)) {
  if (!ours.test(path) || entry.dev || skipped.test(path)) continue;
  if (existsSync(join(root, path))) copy(path);
}
for (const project of projects) {
  copy(`${project}/package.json`);
  copy(`${project}/dist`);
}
// The command line and the agent are one file each.
copy('apps/cli/dist/gantry.cjs', 'cli/gantry.cjs');
for (const part of ['package.json', 'bin', 'dist/gantry-agent.mjs'])
  copy(`apps/node-agent/${part}`);
copy('proto');
// What the units and the error messages point to.
for (const page of ['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'docs']) copy(page);
copy('deploy/systemd');
copy('deploy/install.sh');
copy('deploy/lib.sh');
for (const name of ['runtime', 'monitor', 'layers', 'network']) {
  copy(`native/target/release/gantry-${name}`, `bin/gantry-${name}`);
}
copy('native/crates/runtime/default-seccomp.json', 'bin/default-seccomp.json');
copy(`node_modules/node-linux-${process.arch}/bin/node`, 'bin/node');

// Each program under the name that a person types, with the Node it was tested with.
const launcher = (name, script) => {
  const path = join(target, 'bin', name);
  writeFileSync(path, `#!/bin/sh\nexec /usr/lib/gantry/bin/node ${script} "$@"\n`);
  chmodSync(path, 0o755);
};
launcher('gantry', '/usr/lib/gantry/cli/gantry.cjs');
launcher('gantry-control-plane', '/usr/lib/gantry/apps/control-plane/dist/main.js');
symlinkSync('../apps/node-agent/bin/gantry-agent', join(target, 'bin/gantry-agent'));
