import type { Command } from 'commander';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { runs, type Environment, type Flags } from '../command-line.js';
import { formatGrid } from '../output/grid.js';
import type { Session } from '../session.js';
import { CommandError } from '../usage-error.js';

const redacted = 'DATA+OMITTED';
const secret = new Set([
  'client-key-data',
  'client-certificate-data',
  'certificate-authority-data',
]);

function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (secret.has(key) && item) return [key, redacted];
      if ((key === 'token' || key === 'password') && item) return [key, 'REDACTED'];
      return [key, withoutSecrets(item)];
    }),
  );
}

async function view(session: Session, _: readonly string[], flags: Flags): Promise<void> {
  const { currentContext, clusters, contexts, users } = session.kubeconfig;
  const all = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters,
    contexts,
    'current-context': currentContext,
    users,
  };
  const shown = flags['raw'] ? all : withoutSecrets(all);
  if (flags['output'] === 'json') {
    return session.terminal.out(`${JSON.stringify(shown, null, 4)}\n`);
  }
  const { stringify } = await import('yaml');
  session.terminal.out(stringify(shown, { indentSeq: false, lineWidth: 0 }));
}

async function contexts(session: Session): Promise<void> {
  const config = session.kubeconfig;
  const rows = config.contexts.map(({ name, context = {} }) => [
    name === config.currentContext ? '*' : '',
    name,
    context.cluster ?? '',
    context.user ?? '',
    context.namespace ?? '',
  ]);
  session.terminal.out(
    formatGrid([['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE'], ...rows]),
  );
}

/** Changes one file in place of another that was complete: a crash leaves the old or the new one. */
async function replaceFile(path: string, content: string): Promise<void> {
  const { mode } = await stat(path);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content, { mode });
  await rename(temporary, path);
}

async function useContext(session: Session, [name = '']: readonly string[]): Promise<void> {
  const { contexts: known, files } = session.kubeconfig;
  if (!known.some((context) => context.name === name)) {
    const names = known.map((context) => context.name).join(', ') || 'none';
    throw new CommandError(`no context exists with the name: "${name}" (there: ${names})`);
  }
  const [file = ''] = files;
  const text = await readFile(file, 'utf8');
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  document.set('current-context', name);
  const json = text.trimStart().startsWith('{');
  await replaceFile(
    file,
    json ? `${JSON.stringify(document.toJS(), null, 2)}\n` : document.toString({ lineWidth: 0 }),
  );
  session.terminal.out(`Switched to context "${name}".\n`);
}

export function registerConfig(program: Command, environment: Environment): void {
  const config = program.command('config').description('look at and change the kubeconfig');
  const viewCommand = config
    .command('view')
    .description('show the configuration in use, without its secrets')
    .option('--raw', 'with the secrets')
    .option('-o, --output <format>', 'json');
  runs(environment, viewCommand, view);
  runs(environment, config.command('get-contexts').description('show the contexts'), contexts);
  const current = config
    .command('current-context')
    .description('show the name of the context in use');
  runs(environment, current, async (session) => {
    const { currentContext } = session.kubeconfig;
    if (!currentContext) throw new CommandError('current-context is not set');
    session.terminal.out(`${currentContext}\n`);
  });
  const use = config
    .command('use-context')
    .description('choose a context')
    .argument('<name>', 'its name');
  runs(environment, use, useContext);
}
