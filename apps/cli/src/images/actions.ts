import type { Query } from '@gantry/client';
import type { Flags } from '../command-line.js';
import { parseDuration, type Session } from '../session.js';
import { UsageError } from '../usage-error.js';
import { type CredentialSource, readCredentials } from './credentials.js';
import { onEach, report, whereItIs } from './fan-out.js';
import { familiar } from './listing.js';
import { askForJson } from './node-request.js';
import { bytesText } from './progress-line.js';
import { targetsOf } from './targets.js';

interface Items<T> {
  readonly items?: readonly T[];
  readonly freedBytes?: number;
}

interface Referenced {
  readonly reference: string;
  readonly digest: string;
  readonly sizeBytes?: number;
}

interface Removed {
  readonly untagged: readonly string[];
  readonly deleted?: string;
}

type Changed = Items<Removed | string>;

const freed = ({ freedBytes = 0 }: Items<unknown>) => `freed ${bytesText(freedBytes)}`;

export function referencedText(verb: string, { items = [] }: Items<Referenced>): string[] {
  return items.map(({ reference, digest, sizeBytes }) => {
    const size = sizeBytes === undefined ? '' : ` (${bytesText(sizeBytes)})`;
    return `${verb} ${familiar(reference)} ${digest}${size}`;
  });
}

/** `gantry image pull`: on each node by itself; layers come from nodes that have them where they can. */
export async function pull(session: Session, images: readonly string[], flags: Flags) {
  const { nodes } = await targetsOf(session, flags);
  const credentials = await readCredentials(session, flags);
  const always = flags['always'] === true;
  const pin = flags['pin'] === true;
  const query = { image: images, always, pin, credentials: credentials !== undefined };
  const outcomes = await onEach(session, nodes, (node, line) =>
    askForJson<Items<Referenced>>(session, {
      node,
      verb: 'pull',
      query,
      input: inputOf(credentials),
      onProgress: (progress) => line.update(node, progress),
    }),
  );
  await report(session, outcomes, flags, (result) => referencedText('pulled', result));
}

function inputOf(credentials: CredentialSource): AsyncIterable<Uint8Array> | undefined {
  if (credentials === undefined) return undefined;
  return (async function* text() {
    yield Buffer.from(credentials);
  })();
}

/** `gantry image push`: from the first node that has it. */
export async function push(
  session: Session,
  [image = '', target]: readonly string[],
  flags: Flags,
) {
  const targets = await targetsOf(session, flags);
  const credentials = await readCredentials(session, flags);
  const query = { image, target, credentials: credentials !== undefined };
  const node = await firstWith(session, [image], targets.nodes);
  const outcomes = await onEach(session, [node], (name, line) => {
    line.update(name, { phase: `pushing ${target ?? image}` });
    const request = { node: name, verb: 'push', query, input: inputOf(credentials) };
    return askForJson<Items<Referenced>>(session, {
      ...request,
      onProgress: (progress) => line.update(name, progress),
    });
  });
  await report(session, outcomes, flags, (result) => referencedText('pushed', result));
}

/** The first node that has all of the images; else the first one, whose refusal says what is missing. */
export async function firstWith(
  session: Session,
  images: readonly string[],
  nodes: readonly string[],
): Promise<string> {
  const has = async (node: string) => {
    const request = { node, verb: 'inspect', query: { image: images } };
    return askForJson(session, request).then(
      () => true,
      () => false,
    );
  };
  for (const node of nodes) if (await has(node)) return node;
  return nodes[0]!;
}

/** What changes the image wherever it is: one request to each node. */
async function change(
  session: Session,
  verb: string,
  query: Query,
  flags: Flags,
  describe: (result: Changed) => readonly string[],
): Promise<void> {
  const targets = await targetsOf(session, flags);
  const outcomes = await onEach(session, targets.nodes, (node) =>
    askForJson<Changed>(session, { node, verb, query }),
  );
  await report(session, whereItIs(outcomes, targets), flags, describe);
}

export function tag(session: Session, [image, target]: readonly string[], flags: Flags) {
  return change(session, 'tag', { image, target }, flags, () => [`tagged ${image} as ${target}`]);
}

export function pin(session: Session, images: readonly string[], flags: Flags) {
  return change(session, 'pin', { image: images }, flags, () =>
    images.map((image) => `pinned ${image}`),
  );
}

export function unpin(session: Session, images: readonly string[], flags: Flags) {
  return change(session, 'unpin', { image: images }, flags, () =>
    images.map((image) => `unpinned ${image}`),
  );
}

export function remove(session: Session, images: readonly string[], flags: Flags) {
  const query = { image: images };
  return change(session, 'remove', query, flags, (result) => [
    ...((result.items ?? []) as readonly Removed[]).flatMap(({ untagged, deleted }) => [
      ...untagged.map((name) => `untagged ${familiar(name)}`),
      ...(deleted ? [`deleted ${deleted}`] : []),
    ]),
    freed(result),
  ]);
}

export async function prune(session: Session, _: readonly string[], flags: Flags) {
  const given = flags['unusedFor'];
  const ms = given === undefined ? 0 : parseDuration(String(given), '--unused-for');
  if (given !== undefined && ms < 1000) throw new UsageError('--unused-for: at least 1s');
  const query = { unusedForSeconds: Math.floor(ms / 1000) };
  await change(session, 'prune', query, flags, (result) => [
    ...((result.items ?? []) as readonly string[]).map((name) => `removed ${familiar(name)}`),
    freed(result),
  ]);
}
