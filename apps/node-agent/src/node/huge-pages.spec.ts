import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hugePageLimits, hugePageResources, hugePages } from './huge-pages.js';

test('what the host has set aside is offered by size, and containers are held to their part', () => {
  const sys = mkdtempSync(join(tmpdir(), 'gantry-huge-'));
  try {
    for (const [kibibytes, count] of [
      [64, 0],
      [2048, 10],
      [1_048_576, 2],
    ] as const) {
      const dir = join(sys, `hugepages-${kibibytes}kB`);
      mkdirSync(dir);
      writeFileSync(join(dir, 'nr_hugepages'), `${count}\n`);
    }
    const cgroups = join(sys, 'cgroup');
    mkdirSync(cgroups);
    expect(hugePages(sys, cgroups)).toEqual([]);
    writeFileSync(join(cgroups, 'cgroup.controllers'), 'cpu hugetlb pids\n');
    const pages = hugePages(sys, cgroups);
    expect(hugePageResources(pages)).toEqual({
      'hugepages-2Mi': '20480Ki',
      'hugepages-1Gi': '2097152Ki',
    });
    const limits = { 'hugepages-2Mi': '4Mi' };
    const { hugepageLimits } = hugePageLimits(
      { name: 'c', image: 'i', resources: { limits } },
      pages,
    );
    expect(hugepageLimits?.toSorted((a, b) => a.limit - b.limit)).toEqual([
      { pageSize: '1GB', limit: 0 },
      { pageSize: '2MB', limit: 4_194_304 },
    ]);
  } finally {
    rmSync(sys, { recursive: true });
  }
  expect(hugePages(join(sys, 'absent'))).toEqual([]);
});
