import type { ApiObject } from '@gantry/api';
import { lastAppliedAnnotation } from '../apply/last-applied.js';
import { field, pairs } from './section.js';

const shownAnnotation = 200;

/** The lines that every description opens with. */
export function metadataLines({ metadata }: ApiObject): string[] {
  const { [lastAppliedAnnotation]: _, ...annotations } = metadata.annotations ?? {};
  const shortened = pairs(annotations, ': ').map((line) =>
    line.length > shownAnnotation ? `${line.slice(0, shownAnnotation)}…` : line,
  );
  return [
    ...field('Name', metadata.name),
    ...(metadata.namespace ? field('Namespace', metadata.namespace) : []),
    ...field('Labels', pairs(metadata.labels)),
    ...field('Annotations', shortened),
    ...(metadata.creationTimestamp ? field('Created', metadata.creationTimestamp) : []),
    ...(metadata.deletionTimestamp ? field('Deleting since', metadata.deletionTimestamp) : []),
    ...ownerLines(metadata.ownerReferences),
  ];
}

function ownerLines(owners: ApiObject['metadata']['ownerReferences']): string[] {
  const owner = owners?.find(({ controller }) => controller);
  return owner ? field('Controlled By', `${owner.kind}/${owner.name}`) : [];
}
