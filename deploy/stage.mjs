// Copies a built checkout to where a host keeps it: node deploy/stage.mjs DIR
// DIR/bin (node and the native programs), DIR/apps, DIR/proto, the documentation. Offline: all comes from the checkout.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
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
// Bundles, which need no modules beside them.
copy('apps/cli/dist/gantry.cjs', 'cli/gantry.cjs');
for (const part of ['package.json', 'dist/bundle', 'dist/proto'])
  copy(`apps/control-plane/${part}`);
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
launcher(
  'gantry-control-plane',
  '/usr/lib/gantry/apps/control-plane/dist/bundle/gantry-control-plane.js',
);
symlinkSync('../apps/node-agent/bin/gantry-agent', join(target, 'bin/gantry-agent'));
