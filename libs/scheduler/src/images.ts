import type { Labels, NodeInput, PodSpecInput } from './input.js';

/** No label that a person writes begins so: images stand beside the labels, where an index finds them. */
const prefix = '\0image/';

const hasHost = (first: string) => /[.:]/.test(first) || first === 'localhost';

/** At most this many names are remembered, since most pods repeat the same few. */
const maxRemembered = 4096;
const remembered = new Map<string, string>();

/** The full name: `web` is `docker.io/library/web:latest`. */
export function fullImageName(name: string): string {
  let full = remembered.get(name);
  if (full === undefined) {
    full = completed(name);
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(name, full);
  }
  return full;
}

function completed(name: string): string {
  const [first = '', ...rest] = name.split('/');
  const path = rest.length === 0 ? `docker.io/library/${name}` : name;
  const full = rest.length > 0 && !hasHost(first) ? `docker.io/${name}` : path;
  const last = full.slice(full.lastIndexOf('/') + 1);
  return /[:@]/.test(last) ? full : `${full}:latest`;
}

/** Images of all containers of the pod by their full names, one for each container, in order. */
export function imagesOf({ containers, initContainers = [] }: PodSpecInput): readonly string[] {
  return [...initContainers, ...containers]
    .flatMap(({ image }) => (image ? [fullImageName(image)] : []))
    .sort();
}

/** The label under which a node's traits have the size of an image, in bytes. */
export function imageLabel(fullName: string): string {
  return prefix + fullName;
}

/** The node's labels with its images among them. */
export function withImages(labels: Labels, { status }: NodeInput): Labels {
  if (!status?.images || status.images.length === 0) return labels;
  const sizes = status.images.flatMap(({ names = [], sizeBytes = 0 }) =>
    names.map((name) => [imageLabel(fullImageName(name)), String(sizeBytes)] as const),
  );
  return { ...labels, ...Object.fromEntries(sizes) };
}
