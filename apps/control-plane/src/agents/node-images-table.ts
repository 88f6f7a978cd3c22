import type { IncomingHttpHeaders } from 'node:http';
import type { Table } from '@gantry/api-machinery';
import type { NodeImagesObject, NodePull } from './node-images.js';

/** Whether the client would rather have a Table (kubectl get, gantry get) than objects. */
export function wantsTable(headers: IncomingHttpHeaders): boolean {
  return /as=Table/.test(headers.accept ?? '');
}

const column = (name: string, type: 'string' | 'integer', description: string) => {
  const format = name === 'Name' ? 'name' : '';
  return { name, type, format, description, priority: 0 };
};

const columnDefinitions = [
  column('Name', 'string', 'Name of the node'),
  column('Images', 'integer', 'How many images it has'),
  column('Size', 'string', 'Bytes of their compressed layers, shared ones counted each time'),
  column('Pulling', 'string', 'Images on their way, and how far they are'),
];

function pullsText(pulls: readonly NodePull[]): string {
  const text = pulls.map(({ image, bytesDone, bytesTotal }) => {
    return `${image} ${bytesTotal > 0 ? Math.floor((bytesDone / bytesTotal) * 100) : 0}%`;
  });
  return text.join(', ') || '<none>';
}

/** One row for each node. */
export function nodeImagesTable(items: readonly NodeImagesObject[]): Table {
  const rows = items.map(({ metadata, images, pulls }) => {
    const bytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const object = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata };
    const size = `${(bytes / 2 ** 20).toFixed(1)}MiB`;
    return { cells: [metadata.name, images.length, size, pullsText(pulls)], object };
  });
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {}, columnDefinitions, rows };
}
