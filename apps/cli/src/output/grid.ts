const gap = '   ';

function width(text: string): number {
  return [...text].length;
}

/** Rows in columns as wide as their widest cell, three blanks apart, as kubectl prints them. */
export function formatGrid(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return rows.map((row) => `${formatRow(row, widths)}\n`).join('');
}

export function formatRow(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => {
      const last = column === row.length - 1;
      return last
        ? cell
        : cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell))) + gap;
    })
    .join('')
    .trimEnd();
}
