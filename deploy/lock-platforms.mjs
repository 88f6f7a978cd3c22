// npm forgets, without a word, the platform packages that the registry at hand does not serve; `npm ci` then refuses
// the lock. This puts them back as optional entries: `node deploy/lock-platforms.mjs [--check]`.
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const platform =
  /(darwin|linux|win32|freebsd|android|openharmony|openbsd|netbsd|sunos|aix)(?:-(arm64|x64|ia32|arm|ppc64|riscv64|s390x|loong64))?/;
const missing = [];

for (const [owner, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] || lock.packages[`${owner}/${key}`]) continue;
    const [, os, cpu = 'x64'] = platform.exec(name) ?? [];
    if (!os) continue;
    missing.push(name);
    lock.packages[key] = { version, os: [os], cpu: [cpu], optional: true };
    if (entry.dev) lock.packages[key].dev = true;
    if (os === 'linux') lock.packages[key].libc = [name.includes('musl') ? 'musl' : 'glibc'];
  }
}

if (process.argv.includes('--check')) {
  if (missing.length > 0) {
    process.stderr.write(
      `package-lock.json lacks ${missing.join(', ')}: run node deploy/lock-platforms.mjs\n`,
    );
    process.exit(1);
  }
} else if (missing.length > 0) {
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`restored ${missing.length} optional packages\n`);
}
