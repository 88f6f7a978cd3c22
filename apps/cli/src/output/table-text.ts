import type { PartialObjectMetadata, Table } from '@gantry/api';
import type { Style } from '../terminal.js';
import { formatGrid } from './grid.js';

export interface TableTextOptions {
  readonly wide?: boolean;
  readonly showNamespace?: boolean;
  readonly showLabels?: boolean;
  readonly headers?: boolean;
  /** Put before names, as `pod/`, when several types are shown. */
  readonly namePrefix?: string;
  readonly paint?: (style: Style, text: string) => string;
}

const bad =
  /(Error|BackOff|OOMKilled|Failed|NotReady|Unknown|Invalid|Evicted|ErrImage|ExitCode|Signal|Lost)/;
const waiting = /(Pending|ContainerCreating|PodInitializing|Init:|Terminating|SchedulingDisabled)/;

/** The style of a status word, so that the eye finds what is wrong. */
export function statusStyle(status: string): Style | undefined {
  if (bad.test(status)) return 'red';
  if (waiting.test(status)) return 'yellow';
  return /^(Running|Ready|Active|Bound)$/.test(status) ? 'green' : undefined;
}

function labelsText(labels: Record<string, string> = {}): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.join(',') || '<none>';
}

function rowsOf(table: Table, options: TableTextOptions): string[][] {
  const definitions = table.columnDefinitions ?? [];
  const shown = definitions.flatMap(({ priority }, index) =>
    options.wide || priority === 0 ? [index] : [],
  );
  const header = shown.map((index) => definitions[index]?.name.toUpperCase() ?? '');
  const body = table.rows.map((row) => {
    const metadata = (row.object as PartialObjectMetadata | undefined)?.metadata;
    const cells = shown.map((index) => {
      const text = String(row.cells[index] ?? '');
      const isName = definitions[index]?.name === 'Name';
      return isName && options.namePrefix ? options.namePrefix + text : text;
    });
    if (options.showNamespace) cells.unshift(metadata?.namespace ?? '');
    if (options.showLabels) cells.push(labelsText(metadata?.labels));
    return cells;
  });
  if (options.showNamespace) header.unshift('NAMESPACE');
  if (options.showLabels) header.push('LABELS');
  return options.headers === false ? body : [header, ...body];
}

/** A server's Table as text. Styles are put in after the columns are measured. */
export function tableText(table: Table, options: TableTextOptions = {}): string {
  const rows = rowsOf(table, options);
  const text = formatGrid(rows);
  const { paint } = options;
  const status = table.columnDefinitions?.findIndex(({ name }) => name === 'Status') ?? -1;
  if (!paint) return text;
  return text
    .split('\n')
    .map((line, index) => {
      if (index === 0 && options.headers !== false) return paint('bold', line);
      const word = String(
        table.rows[index - (options.headers === false ? 0 : 1)]?.cells[status] ?? '',
      );
      const style = word ? statusStyle(word) : undefined;
      return style ? line.replace(` ${word} `, ` ${paint(style, word)} `) : line;
    })
    .join('\n');
}
