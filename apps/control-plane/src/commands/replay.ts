import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { badRequest, GantryError } from '@gantry/base';
import { replay as replayed, type Divergence, type Operation } from '@gantry/scheduler';

/** Lines of one log; a file of its bounded size has fewer. */
const maxLines = 2_000_000;

/** Decides again what a decision log has recorded; fails with the first decision that differs. */
export async function replay(argv: readonly string[]): Promise<void> {
  const [file, ...others] = argv;
  if (!file || file.startsWith('-') || others.length > 0) {
    throw badRequest('replay: name the file that serve --decision-log wrote, and nothing else');
  }
  const operations = await read(file);
  try {
    const { decisions, lines, divergence } = replayed(operations);
    if (divergence) throw new GantryError('Conflict', text(divergence));
    const noun = decisions === 1 ? 'decision' : 'decisions';
    process.stdout.write(`${decisions} ${noun} in ${lines} lines: all came out the same\n`);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badRequest(`replay ${file}: ${error.message}`, { cause: error });
  }
}

async function read(file: string): Promise<Operation[]> {
  const operations: Operation[] = [];
  const input = createReadStream(file);
  const failed = new Promise<never>((_, reject) => {
    input.once('error', (error) =>
      reject(badRequest(`replay ${file}: ${whyNot(error)}`, { cause: error })),
    );
  });
  const collect = async () => {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      if (line !== '') operations.push(parsed(line, operations.length + 1, file));
      if (operations.length > maxLines) throw badRequest(`${file} has over ${maxLines} lines`);
    }
  };
  await Promise.race([failed, collect()]);
  return operations;
}

function whyNot(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file; name what serve --decision-log wrote';
  return error.code === 'EISDIR' ? 'that is a folder; name a file in it' : error.message;
}

function parsed(line: string, number: number, file: string): Operation {
  try {
    return JSON.parse(line) as Operation;
  } catch (error) {
    throw badRequest(`replay ${file}: line ${number} is not JSON, so this is no decision log`, {
      cause: error,
    });
  }
}

function text({ line, pod, recorded, decided }: Divergence): string {
  const name = (node: string | null) => (node === null ? 'no node' : `node ${node}`);
  const what = JSON.stringify(pod);
  return `line ${line}: decided ${name(decided)}, recorded was ${name(recorded)}, for a pod ${what}`;
}
