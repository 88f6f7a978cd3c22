import type { ContainerImage } from '@gantry/api';

/** An image as the store lists it. */
export interface LocalImage {
  readonly names: readonly string[];
  readonly digest: string;
  readonly sizeBytes: number;
}

/** As many as the kubelet reports: the largest, since those are worth going to. */
const maxImages = 50;

/** `status.images` of the node: names and sizes, in an order that changes only with the images. */
export function reportedImages(images: readonly LocalImage[]): ContainerImage[] {
  return images
    .filter(({ names }) => names.length > 0)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes || (a.digest < b.digest ? -1 : 1))
    .slice(0, maxImages)
    .map(({ names, sizeBytes }) => ({ names: names.toSorted(), sizeBytes }));
}
