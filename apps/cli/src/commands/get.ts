import type { ApiObject, Table } from '@gantry/api';
import { watch, type DiscoveredResource } from '@gantry/client';
import type { Command } from 'commander';
import { failureOf } from '../failure-text.js';
import { objectsText, parseOutput, type OutputFormat } from '../output/objects-text.js';
import { tableText, type TableTextOptions } from '../output/table-text.js';
import { runs, type Environment, type Flags } from '../command-line.js';
import { parseSelections, type Selection } from '../resources/arguments.js';
import { qualifiedName } from '../resources/catalog.js';
import type { Session } from '../session.js';
import { paint } from '../terminal.js';
import { CommandError, UsageError } from '../usage-error.js';

interface Scope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

function scopeOf(session: Session, resource: DiscoveredResource, flags: Flags): Scope {
  const everywhere = flags['allNamespaces'] === true || !resource.namespaced;
  return {
    namespace: everywhere ? undefined : session.namespace,
    labelSelector: flags['selector'] as string | undefined,
    fieldSelector: flags['fieldSelector'] as string | undefined,
  };
}

function textOptions(session: Session, flags: Flags, output: OutputFormat): TableTextOptions {
  const { terminal } = session;
  return {
    wide: output === 'wide',
    showLabels: flags['showLabels'] === true,
    headers: flags['headers'] !== false,
    paint: terminal.colours ? (style, text) => paint(terminal, style, text) : undefined,
  };
}

/** The rows of a selection; each name that is not there is reported and counted. */
async function readTable(
  session: Session,
  { resource, names }: Selection,
  flags: Flags,
): Promise<{ table: Table; missing: number }> {
  const scope = scopeOf(session, resource, flags);
  if (names.length === 0) return { table: await session.client.table(resource, scope), missing: 0 };
  let table: Table | undefined;
  let missing = 0;
  for (const name of names) {
    try {
      const part = await session.client.table(resource, { namespace: scope.namespace, name });
      if (table) table.rows.push(...part.rows);
      else table = part;
    } catch (error) {
      if (names.length === 1) throw error;
      missing += 1;
      session.terminal.err(`${failureOf(error).text}\n`);
    }
  }
  return {
    table: table ?? { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {}, rows: [] },
    missing,
  };
}

async function showTables(
  session: Session,
  selections: readonly Selection[],
  flags: Flags,
  output: OutputFormat,
) {
  const options = textOptions(session, flags, output);
  let shown = 0;
  let missing = 0;
  for (const selection of selections) {
    const read = await readTable(session, selection, flags);
    missing += read.missing;
    if (read.table.rows.length === 0) continue;
    const { group, singular } = selection.resource;
    if (shown > 0) session.terminal.out('\n');
    shown += 1;
    session.terminal.out(
      tableText(read.table, {
        ...options,
        showNamespace: flags['allNamespaces'] === true && selection.resource.namespaced,
        namePrefix:
          selections.length > 1 ? `${group ? `${singular}.${group}` : singular}/` : undefined,
      }),
    );
  }
  if (shown === 0 && missing === 0) sayNothingFound(session, selections, flags);
  if (missing > 0) throw new CommandError('');
}

function sayNothingFound(session: Session, selections: readonly Selection[], flags: Flags): void {
  const namespaced = selections.some(({ resource }) => resource.namespaced);
  const where = namespaced && !flags['allNamespaces'] ? ` in ${session.namespace} namespace` : '';
  session.terminal.err(`No resources found${where}.\n`);
}

async function readObjects(
  session: Session,
  { resource, names }: Selection,
  flags: Flags,
): Promise<ApiObject[]> {
  const scope = scopeOf(session, resource, flags);
  if (names.length === 0) return (await session.client.listAll(resource, scope)).items;
  return Promise.all(
    names.map((name) =>
      session.client.get<ApiObject>(resource, { namespace: scope.namespace, name }),
    ),
  );
}

async function showObjects(
  session: Session,
  selections: readonly Selection[],
  flags: Flags,
  output: 'json' | 'yaml' | 'name',
): Promise<void> {
  const objects: ApiObject[] = [];
  for (const selection of selections) {
    const found = await readObjects(session, selection, flags);
    objects.push(...found);
    if (output !== 'name') continue;
    for (const { metadata } of found) {
      session.terminal.out(`${qualifiedName(selection.resource, metadata.name ?? '')}\n`);
    }
  }
  if (output === 'name') return;
  const single = selections.length === 1 && selections[0]?.names.length === 1;
  session.terminal.out(await objectsText(objects, output, !single));
}

/** The rows that are there, then each change as a further row. */
async function follow(
  session: Session,
  selections: readonly Selection[],
  flags: Flags,
  output: OutputFormat,
) {
  const [selection, second] = selections;
  if (!selection || second || selection.names.length > 1) {
    throw new UsageError('--watch follows one resource type, or one object of it');
  }
  const { resource, names } = selection;
  const scope = { ...scopeOf(session, resource, flags) };
  if (names[0]) Object.assign(scope, { fieldSelector: `metadata.name=${names[0]}` });
  const table = await session.client.table(resource, scope);
  const options = {
    ...textOptions(session, flags, output),
    showNamespace: flags['allNamespaces'] === true && resource.namespaced,
  };
  if (table.rows.length > 0) session.terminal.out(tableText(table, options));
  const { columnDefinitions } = table;
  const { resourceVersion = '' } = table.metadata;
  const watchOptions = { ...scope, signal: session.signal, accept: tableAccept };
  let headers = table.rows.length === 0;
  for await (const change of watch(session.client, resource, resourceVersion, watchOptions)) {
    const rows = change.object as unknown as Table;
    session.terminal.out(
      tableText(
        { ...rows, columnDefinitions },
        { ...options, headers: headers && options.headers },
      ),
    );
    headers = false;
  }
}

async function get(session: Session, words: readonly string[], flags: Flags): Promise<void> {
  const output = parseOutput(flags['output'] as string | undefined);
  const selections = await parseSelections(session.catalog, words);
  if (flags['allNamespaces'] && selections.some(({ names }) => names.length > 0)) {
    throw new UsageError('a name cannot be looked up in all namespaces; give --namespace');
  }
  if (flags['watch']) {
    if (output !== undefined && output !== 'wide') {
      throw new UsageError('--watch shows tables; leave out --output or use wide');
    }
    return follow(session, selections, flags, output);
  }
  return output === undefined || output === 'wide'
    ? showTables(session, selections, flags, output)
    : showObjects(session, selections, flags, output);
}

export function registerGet(program: Command, environment: Environment): void {
  const command = program
    .command('get')
    .description('show objects')
    .argument('[what...]', 'TYPE, TYPE NAME…, TYPE/NAME…, TYPE,TYPE or all')
    .option('-o, --output <format>', 'wide, yaml, json or name')
    .option('-w, --watch', 'show the changes too, until interrupted')
    .option('-l, --selector <labels>', 'only objects with these labels, e.g. app=web,tier!=db')
    .option(
      '--field-selector <fields>',
      'only objects with these fields, e.g. status.phase=Running',
    )
    .option('-A, --all-namespaces', 'in all namespaces')
    .option('--show-labels', 'a column with all labels')
    .option('--no-headers', 'no line with the names of the columns');
  runs(environment, command, get);
}
