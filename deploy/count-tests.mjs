// Names what failed, sums the suites' own counts and ends with `N passed, N failed`:
// node count-tests.mjs DIR [failed suite…]
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const [directory, ...failedSuites] = process.argv.slice(2);
const files = readdirSync(directory);
let passed = 0;
let failed = 0;
const names = [];

for (const file of files.filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  for (const { name, assertionResults } of report.testResults) {
    const broken = assertionResults.filter(({ status }) => status === 'failed');
    names.push(...broken.map(({ fullName }) => `${relative(process.cwd(), name)}: ${fullName}`));
  }
}
const rust = files.includes('native.log')
  ? readFileSync(join(directory, 'native.log'), 'utf8')
  : '';
for (const [, ok, bad] of rust.matchAll(/test result: \w+\. (\d+) passed; (\d+) failed/g)) {
  passed += Number(ok);
  failed += Number(bad);
}
for (const [, name] of rust.matchAll(/^test (\S+) \.\.\. FAILED$/gm)) names.push(`native: ${name}`);
for (const name of names) process.stdout.write(`failed: ${name}\n`);
// A suite can fail outside its tests: it did not compile, or its set-up broke.
for (const suite of failedSuites) process.stdout.write(`suite failed: ${suite}\n`);
if (failedSuites.length > 0 && failed === 0) failed = failedSuites.length;
if (passed === 0) failed += 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 ? 1 : 0);
