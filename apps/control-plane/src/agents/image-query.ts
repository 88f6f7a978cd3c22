import type { ImageRequest } from '@gantry/agent-protocol';
import { badRequest } from '@gantry/base';

/** What can be done with the images of a node, and how many images each takes. */
export const imageVerbs = {
  inspect: [1, 100],
  pull: [1, 100],
  push: [1, 1],
  tag: [1, 1],
  pin: [1, 100],
  unpin: [1, 100],
  remove: [1, 100],
  prune: [0, 0],
  load: [0, 0],
  save: [1, 100],
  import: [0, 0],
  export: [0, 1],
  copy: [1, 100],
} as const;

export type ImageVerb = keyof typeof imageVerbs;

const needTarget: readonly ImageVerb[] = ['tag', 'import'];
const maxNameLength = 1024;
const maxConfigLength = 16_384;
const known = [
  'image',
  'target',
  'credentials',
  'always',
  'pin',
  'unusedForSeconds',
  'config',
  'from',
  'pod',
  'namespace',
  'container',
];

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === 'false') return false;
  if (text === 'true' || text === '') return true;
  throw badRequest(`${name}: "${text}" must be true or false`);
}

function seconds(query: URLSearchParams): number {
  const text = query.get('unusedForSeconds') ?? '0';
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 10 * 365 * 86_400) return value;
  throw badRequest(`unusedForSeconds: "${text}" must be a whole number of seconds`);
}

function config(query: URLSearchParams): Buffer {
  const text = query.get('config') ?? '';
  if (text.length > maxConfigLength) throw badRequest('config: it is too long');
  try {
    if (text !== '') JSON.parse(text);
  } catch {
    throw badRequest('config: it is not JSON');
  }
  return Buffer.from(text);
}

function names(query: URLSearchParams, verb: ImageVerb): string[] {
  const images = query.getAll('image');
  const [least, most] = imageVerbs[verb];
  const isContainer = verb === 'export' && query.has('pod');
  if (images.length > most || (images.length < least && !isContainer)) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`;
    throw badRequest(`image: ${verb} takes ${wanted}, not ${images.length}`);
  }
  return images;
}

/** The order that the query of a request to nodeimages/NODE/VERB means; BadRequest names the faulty parameter. */
export function parseImageQuery(verb: ImageVerb, query: URLSearchParams): ImageRequest {
  for (const name of query.keys()) {
    if (!known.includes(name)) throw badRequest(`${name}: there is no such parameter`);
  }
  const images = names(query, verb);
  const target = query.get('target') ?? '';
  if (needTarget.includes(verb) && target === '') throw badRequest(`target: ${verb} needs one`);
  const fromNode = query.get('from') ?? '';
  if (verb === 'copy' && fromNode === '') throw badRequest('from: copy needs a node');
  for (const name of [...images, target, fromNode]) {
    if (name.length > maxNameLength) throw badRequest('image: a name is too long');
  }
  return {
    verb,
    images,
    target,
    credentials: flag(query, 'credentials'),
    always: flag(query, 'always'),
    pin: flag(query, 'pin'),
    unusedForMillis: seconds(query) * 1000,
    configJson: config(query),
    fromNode,
  };
}
