import type { Flags } from '../command-line.js';
import { containerOf, onePodOf } from '../pods-of.js';
import { parseObject } from '../resources/arguments.js';
import type { Session } from '../session.js';
import { CommandError, UsageError } from '../usage-error.js';
import { firstWith, referencedText } from './actions.js';
import { type NodeOutcome, onEach, report } from './fan-out.js';
import { askForJson, askNode, type NodeRequest } from './node-request.js';
import { bytesText, measured, ProgressLine } from './progress-line.js';
import { writeArchive } from './sink.js';
import { copyOrRelay } from './spread.js';
import { targetsOf } from './targets.js';

interface Loaded {
  readonly items?: readonly { reference: string; digest: string }[];
}

/** An archive as it is sent; `sizeBytes` is 0 for what comes from a pipe. */
interface Archive {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly sizeBytes: number;
}

const chunkBytes = 128 * 1024;

async function openArchive(session: Session, file: string): Promise<Archive> {
  if (file === '-') {
    const { stdin } = session.terminal;
    if (stdin.isTTY) throw new UsageError('there is nothing on stdin; name a file, or pipe one in');
    return { chunks: stdin, sizeBytes: 0 };
  }
  const { createReadStream } = await import('node:fs');
  const { stat } = await import('node:fs/promises');
  const found = await stat(file).catch((error: Error) => {
    throw new CommandError(`cannot read ${file}: ${error.message}`);
  });
  if (!found.isFile())
    throw new CommandError(`${file} is no file; give an archive, or - for stdin`);
  const chunks = createReadStream(file, { highWaterMark: chunkBytes });
  return { chunks, sizeBytes: found.size };
}

/** Sends an archive to the first node; the others get the images from there, by the shortest way that works. */
async function spread(
  session: Session,
  file: string,
  request: Pick<NodeRequest, 'verb' | 'query'>,
  flags: Flags,
): Promise<void> {
  const { nodes } = await targetsOf(session, flags);
  const [first = '', ...others] = nodes;
  const archive = await openArchive(session, file);
  const line = new ProgressLine(session);
  const outcomes: NodeOutcome<Loaded>[] = [];
  try {
    const tell = (progress: object) => line.update(first, progress);
    const input = measured(archive.chunks, archive.sizeBytes, tell);
    const loaded = await askForJson<Loaded>(session, {
      ...request,
      node: first,
      input,
      onProgress: tell,
    });
    line.clear();
    outcomes.push({ node: first, result: loaded });
    const names = (loaded.items ?? []).map(({ reference }) => reference);
    const pin = flags['pin'] === true;
    const copies = await onEach(session, others, (node, shown) =>
      copyOrRelay(session, { from: first, to: node, names, pin }, shown),
    );
    outcomes.push(...copies.map((copy) => ({ ...copy, result: copy.result && loaded })));
  } catch (error) {
    session.signal.throwIfAborted();
    outcomes.push({ node: first, error }, ...others.map((node) => notTried(node, first)));
  } finally {
    line.clear();
  }
  await report(session, outcomes, flags, (result) => referencedText('loaded', result));
}

function notTried(node: string, first: string): NodeOutcome<Loaded> {
  return { node, error: new CommandError(`not tried, since ${first} did not take the archive`) };
}

/** `gantry image load`: an OCI layout or docker-archive onto every node, without any registry. */
export function load(session: Session, [file = '']: readonly string[], flags: Flags) {
  const query = { target: flags['name'] as string | undefined, pin: flags['pin'] === true };
  return spread(session, file, { verb: 'load', query }, flags);
}

function importConfig(flags: Flags): string | undefined {
  const words = (name: string) => (flags[name] as string | undefined)?.split(/\s+/).filter(Boolean);
  const config = {
    Entrypoint: words('entrypoint'),
    Cmd: words('cmd'),
    Env: flags['env'] as string[] | undefined,
    WorkingDir: flags['workdir'] as string | undefined,
    User: flags['user'] as string | undefined,
  };
  for (const pair of config.Env ?? []) {
    if (!pair.includes('=')) throw new UsageError(`--env: "${pair}" must be NAME=VALUE`);
  }
  return Object.values(config).some(Boolean) ? JSON.stringify(config) : undefined;
}

/** `gantry image import`: a root filesystem becomes an image of one layer. */
export function importArchive(
  session: Session,
  [file = '', name]: readonly string[],
  flags: Flags,
) {
  const query = { target: name, config: importConfig(flags), pin: flags['pin'] === true };
  return spread(session, file, { verb: 'import', query }, flags);
}

async function download(session: Session, request: NodeRequest, flags: Flags): Promise<void> {
  const line = new ProgressLine(session);
  let bytes = 0;
  const receive = async (sink: (chunk: Uint8Array) => Promise<void>) => {
    await askNode(session, {
      ...request,
      onOutput: async (chunk) => {
        bytes += chunk.length;
        line.update(request.node, { phase: `received ${bytesText(bytes)}` });
        await sink(chunk);
      },
    });
  };
  try {
    await writeArchive(flags['file'] as string | undefined, receive);
  } finally {
    line.clear();
  }
}

/** `gantry image save`: one archive for docker, podman, skopeo and containerd. */
export async function save(session: Session, images: readonly string[], flags: Flags) {
  const { nodes } = await targetsOf(session, flags);
  const node = await firstWith(session, images, nodes);
  await download(session, { node, verb: 'save', query: { image: images } }, flags);
}

/** `gantry image export`: the root of an image, or of a container that runs, as one flat tar. */
export async function exportArchive(
  session: Session,
  [what = '']: readonly string[],
  flags: Flags,
) {
  if (/^(po|pods?)\//.test(what)) return exportContainer(session, what, flags);
  const { nodes } = await targetsOf(session, flags);
  const node = await firstWith(session, [what], nodes);
  await download(session, { node, verb: 'export', query: { image: what } }, flags);
}

async function exportContainer(session: Session, what: string, flags: Flags): Promise<void> {
  const { resource, name } = await parseObject(session.catalog, [what], 'pod');
  const pod = await onePodOf(session, resource, name);
  const container = containerOf(session, pod, flags['container'] as string | undefined);
  const node = pod.spec.nodeName;
  if (!node) throw new CommandError(`pod ${name} is on no node yet`);
  const { namespace } = pod.metadata;
  const query = { pod: pod.metadata.name, namespace, container };
  await download(session, { node, verb: 'export', query }, flags);
}
