// Generates src/gen from proto/: the TypeScript types (proto-loader-gen-types) and the descriptor as
// JSON, so that no .proto file is needed at run time. `--check` writes nothing and fails on a difference.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const target = fileURLToPath(new URL('../src/gen', import.meta.url));
const proto = 'gantry/agent/v1/agent.proto';

function generateTypes(outDir) {
  const require = createRequire(import.meta.url);
  const loader = dirname(require.resolve('@grpc/proto-loader/package.json'));
  const flags = ['--longs=Number', '--defaults', '--arrays', '--oneofs', '--includeComments'];
  const output = ['--grpcLib=@grpc/grpc-js', '--importFileExtension=.js', `--outDir=${outDir}`];
  const program = join(loader, 'build/bin/proto-loader-gen-types.js');
  execFileSync(
    process.execPath,
    [program, ...flags, ...output, '-I', join(root, 'proto'), '--', proto],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  for (const name of filesBelow(outDir)) {
    const path = join(outDir, name);
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(root, ''));
  }
}

async function generateDescriptor(outDir) {
  const { default: protobuf } = await import('protobufjs');
  const schema = new protobuf.Root();
  schema.resolvePath = (_origin, path) => join(root, 'proto', path);
  schema.loadSync(proto, { keepCase: false });
  const json = JSON.stringify(schema.toJSON(), null, 2);
  writeFileSync(
    join(outDir, 'descriptor.ts'),
    `// Generated from proto/${proto}.\nexport default ${json};\n`,
  );
}

function filesBelow(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .toSorted();
}

function differences(made, kept) {
  const names = new Set([...filesBelow(made), ...filesBelow(kept)]);
  const text = (dir, name) => {
    try {
      return readFileSync(join(dir, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  return [...names].filter((name) => text(made, name) !== text(kept, name));
}

const made = mkdtempSync(join(tmpdir(), 'gantry-protocol-'));
try {
  generateTypes(made);
  await generateDescriptor(made);
  if (process.argv.includes('--check')) {
    const changed = differences(made, target);
    if (changed.length > 0) {
      const next = 'run: npm run generate -w @gantry/agent-protocol';
      process.stderr.write(
        `libs/agent-protocol/src/gen differs from proto/: ${changed.join(', ')}\n${next}\n`,
      );
      process.exitCode = 1;
    }
  } else {
    rmSync(target, { recursive: true, force: true });
    cpSync(made, target, { recursive: true });
  }
} finally {
  rmSync(made, { recursive: true, force: true });
}
