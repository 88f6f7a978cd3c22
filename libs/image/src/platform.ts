import { ImageError } from './errors.js';
import type { Descriptor, ImageIndex, Platform } from './types.js';

const architectures: Partial<Record<NodeJS.Architecture, Platform>> = {
  x64: { os: 'linux', architecture: 'amd64' },
  arm64: { os: 'linux', architecture: 'arm64', variant: 'v8' },
  arm: { os: 'linux', architecture: 'arm', variant: 'v7' },
};

/** What this machine runs, in Go's names as images have them. */
export function hostPlatform(): Platform {
  return architectures[process.arch] ?? { os: 'linux', architecture: process.arch };
}

/** Variants that a machine runs, best first, e.g. arm v7 also runs v6. */
function acceptedVariants(platform: Platform): (string | undefined)[] {
  if (platform.architecture === 'arm64') return ['v8', undefined];
  if (platform.architecture !== 'arm') return [platform.variant, undefined];
  const highest = Number(platform.variant?.slice(1) ?? 7);
  const lower = Array.from({ length: highest - 4 }, (_, i) => `v${highest - i}`);
  return [...lower, undefined];
}

export function formatPlatform(platform: Platform): string {
  const variant = platform.variant ? `/${platform.variant}` : '';
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** The manifest for the platform; throws ImageError `no-platform` that lists what there is. */
export function selectPlatform(what: string, index: ImageIndex, wanted: Platform): Descriptor {
  const fitting = index.manifests.filter(
    ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
  );
  for (const variant of acceptedVariants(wanted)) {
    const found = fitting.find(({ platform }) => (platform?.variant || undefined) === variant);
    if (found) return found;
  }
  const exact = fitting[0];
  if (exact && wanted.architecture !== 'arm') return exact;
  throw new ImageError(
    'no-platform',
    `${what} has no image for ${formatPlatform(wanted)}; ${offered(index)}`,
  );
}

function offered(index: ImageIndex): string {
  const names = index.manifests
    .flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : []))
    // Build attestations are listed as unknown/unknown.
    .filter((name) => !name.startsWith('unknown'));
  return names.length === 0 ? 'it names no platforms' : `it has ${[...new Set(names)].join(', ')}`;
}
