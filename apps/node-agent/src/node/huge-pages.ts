import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '@gantry/api';
import type { Resources } from '@gantry/runtime-client';
import { parseBytes } from '../quantity.js';

/** Huge pages of one size that the host has set aside. */
export interface HugePages {
  /** As resources are named: `2Mi`, `1Gi`. */
  readonly size: string;
  readonly bytes: number;
}

const prefix = 'hugepages-';

function sizeName(kibibytes: number): string {
  if (kibibytes % (1024 * 1024) === 0) return `${kibibytes / (1024 * 1024)}Gi`;
  return kibibytes % 1024 === 0 ? `${kibibytes / 1024}Mi` : `${kibibytes}Ki`;
}

/** Whether containers can be held to their part. */
function hasController(cgroups: string): boolean {
  if (existsSync(join(cgroups, 'hugetlb'))) return true;
  const file = join(cgroups, 'cgroup.controllers');
  return existsSync(file) && readFileSync(file, 'utf8').split(/\s/).includes('hugetlb');
}

/** What the host has set aside, by page size; nothing where containers cannot be held to their part of it. */
export function hugePages(
  sys = '/sys/kernel/mm/hugepages',
  cgroups = '/sys/fs/cgroup',
): HugePages[] {
  if (!existsSync(sys) || !hasController(cgroups)) return [];
  return readdirSync(sys).flatMap((name) => {
    const kibibytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1] ?? 0);
    if (kibibytes === 0) return [];
    const count = Number(readFileSync(join(sys, name, 'nr_hugepages'), 'utf8'));
    return count > 0 ? [{ size: sizeName(kibibytes), bytes: count * kibibytes * 1024 }] : [];
  });
}

/** The node's resources of them. */
export function hugePageResources(pages: readonly HugePages[]): Record<string, string> {
  return Object.fromEntries(
    pages.map(({ size, bytes }) => [`${prefix}${size}`, `${bytes / 1024}Ki`]),
  );
}

/** The kernel's names end in B: `2MB`, `1GB`. */
const kernelName = (size: string) => size.replace(/i$/, 'B');

/** Limits for a container: what it asked for, and nothing of the other sizes that the host has. */
export function hugePageLimits(
  container: Container,
  pages: readonly HugePages[],
): Pick<Resources, 'hugepageLimits'> {
  if (pages.length === 0) return {};
  const limits = container.resources?.limits ?? {};
  const hugepageLimits = pages.map(({ size }) => ({
    pageSize: kernelName(size),
    limit: parseBytes(limits[`${prefix}${size}`] ?? '0'),
  }));
  return { hugepageLimits };
}
