import { age } from '@gantry/api-machinery';
import type { Flags } from '../command-line.js';
import { formatGrid } from '../output/grid.js';
import { parseOutput } from '../output/objects-text.js';
import type { Session } from '../session.js';
import { sortedKeys } from '../sorted-keys.js';
import { UsageError } from '../usage-error.js';
import { firstWith } from './actions.js';
import { askForJson } from './node-request.js';
import { bytesText } from './progress-line.js';
import { targetsOf } from './targets.js';

interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** As much of an image's documents as its history needs. */
export interface ImageDetails {
  readonly manifest: { readonly layers: readonly { readonly size: number }[] };
  readonly config: { readonly history?: readonly HistoryEntry[] };
}

async function details(
  session: Session,
  images: readonly string[],
  flags: Flags,
): Promise<readonly ImageDetails[]> {
  const { nodes } = await targetsOf(session, flags);
  const node = await firstWith(session, images, nodes);
  const request = { node, verb: 'inspect', query: { image: images } };
  return (await askForJson<{ items: ImageDetails[] }>(session, request)).items;
}

/** `gantry image inspect`: the documents of the images, from the first node that has them. */
export async function inspect(session: Session, images: readonly string[], flags: Flags) {
  const output = parseOutput(flags['output'] as string | undefined) ?? 'json';
  if (output !== 'json' && output !== 'yaml') {
    throw new UsageError(`--output: "${output}" does not fit; choose json or yaml`);
  }
  const found = await details(session, images, flags);
  const value = sortedKeys(found.length === 1 ? found[0] : found);
  if (output === 'json') return session.terminal.out(`${JSON.stringify(value, null, 4)}\n`);
  const { stringify } = await import('yaml');
  session.terminal.out(stringify(value, { indentSeq: false, lineWidth: 0 }));
}

/** How the image was made, the last step first; sizes are those of the compressed layers. */
export function historyText({ manifest, config }: ImageDetails, nowMs: number): string {
  const layers = [...manifest.layers];
  const known = config.history ?? [];
  const steps = known.length > 0 ? known : layers.map((): HistoryEntry => ({}));
  const rows = steps.map((step) => {
    const size = step.empty_layer ? 0 : (layers.shift()?.size ?? 0);
    const what = (step.created_by ?? '').replaceAll(/\s+/g, ' ').trim();
    const when = step.created ? age(step.created, nowMs) : '<unknown>';
    return [when, bytesText(size), what || '<unknown>', step.comment ?? ''];
  });
  return formatGrid([['CREATED', 'SIZE', 'CREATED BY', 'COMMENT'], ...rows.toReversed()]);
}

export async function history(session: Session, images: readonly string[], flags: Flags) {
  const output = parseOutput(flags['output'] as string | undefined);
  if (output === 'json' || output === 'yaml') return inspect(session, images, flags);
  const [found] = await details(session, images, flags);
  session.terminal.out(historyText(found!, Date.now()));
}
