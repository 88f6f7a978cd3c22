import type { ApiObject } from '@gantry/api';
import { age } from '@gantry/api-machinery';
import type { ResourceType } from '@gantry/client';
import type { Flags } from '../command-line.js';
import { formatGrid } from '../output/grid.js';
import { objectsText, parseOutput } from '../output/objects-text.js';
import type { Session } from '../session.js';
import type { NodeProgress } from './node-request.js';
import { bytesText, progressText } from './progress-line.js';

/** One image of a node, as nodeimages shows it. */
export interface NodeImage {
  readonly names: readonly string[];
  readonly digest: string;
  readonly imageId: string;
  readonly sizeBytes: number;
  readonly unpackedBytes: number;
  readonly layers: number;
  readonly pulledAt: string;
  readonly lastUsedAt: string;
  readonly pinned: boolean;
  readonly usedBy?: string;
}

/** A pull that runs on a node. */
export interface NodePull extends NodeProgress {
  readonly image: string;
  readonly usedBy: string;
}

export interface NodeImages extends ApiObject {
  readonly images: readonly NodeImage[];
  readonly pulls?: readonly NodePull[];
}

export const nodeImages: ResourceType<NodeImages> = {
  group: 'gantry.dev',
  version: 'v1',
  kind: 'NodeImages',
  plural: 'nodeimages',
  namespaced: false,
};

const dockerHub = /^docker\.io\/(library\/)?/;

/** The name without what everybody leaves out. */
export const familiar = (name: string): string => name.replace(dockerHub, '');
const short = (digest: string) => digest.replace('sha256:', '').slice(0, 12);

function matchesName(image: NodeImage, words: readonly string[]): boolean {
  const keys = [...image.names, image.digest, image.imageId];
  return words.length === 0 || words.some((word) => keys.some((key) => key.includes(word)));
}

/** The images of nodes as a table: one row for each name on each node. */
export function imagesText(
  nodes: readonly NodeImages[],
  options: { readonly wide?: boolean; readonly headers?: boolean; readonly nowMs: number },
): string {
  const header = ['NODE', 'IMAGE', 'DIGEST', 'SIZE', 'LAST USED', 'PINNED'];
  if (options.wide) header.push('LAYERS', 'UNPACKED', 'IMAGE ID', 'USED BY');
  const rows = nodes.flatMap(({ metadata, images }) =>
    images.flatMap((image) => {
      const names = image.names.length > 0 ? image.names.map(familiar) : ['<none>'];
      const { digest, sizeBytes, lastUsedAt, pinned, layers, unpackedBytes, imageId } = image;
      const rest = [short(digest), bytesText(sizeBytes), age(lastUsedAt, options.nowMs)];
      rest.push(pinned ? 'yes' : 'no');
      if (options.wide) {
        rest.push(String(layers), bytesText(unpackedBytes), short(imageId), image.usedBy ?? '-');
      }
      return names.map((name) => [metadata.name ?? '', name, ...rest]);
    }),
  );
  return formatGrid(options.headers === false ? rows : [header, ...rows]);
}

/** What is on its way, a line for each pull. */
export function pullLines(nodes: readonly NodeImages[]): string[] {
  return nodes.flatMap(({ metadata, pulls = [] }) =>
    pulls.map((one) => {
      return `${metadata.name}: pulling ${one.image} for ${one.usedBy}: ${progressText(one)}\n`;
    }),
  );
}

/** `gantry image ls`. */
export async function listImages(
  session: Session,
  words: readonly string[],
  flags: Flags,
  nodes: readonly string[] | undefined,
): Promise<void> {
  const output = parseOutput(flags['output'] as string | undefined);
  const { client, terminal } = session;
  const found = nodes
    ? await Promise.all(nodes.map((name) => client.get(nodeImages, { name })))
    : (await client.list(nodeImages)).items;
  const shown = found.map((one) => ({
    ...one,
    images: one.images.filter((image) => matchesName(image, words)),
  }));
  if (output === 'json' || output === 'yaml') {
    return terminal.out(await objectsText(shown, output, shown.length !== 1 || !nodes));
  }
  const names = new Set(shown.flatMap(({ images }) => images.flatMap((image) => image.names)));
  if (output === 'name') {
    return terminal.out(
      [...names]
        .toSorted()
        .map((name) => `${name}\n`)
        .join(''),
    );
  }
  const pulls = pullLines(shown);
  if (shown.every(({ images }) => images.length === 0)) {
    return terminal.err(`No images found.\n${pulls.join('')}`);
  }
  const headers = flags['headers'] !== false;
  terminal.err(pulls.join(''));
  terminal.out(imagesText(shown, { wide: output === 'wide', headers, nowMs: Date.now() }));
}
