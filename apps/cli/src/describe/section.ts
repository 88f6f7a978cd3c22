const labelWidth = 18;

/** `Name:             web`; several lines of value stand below one another. */
export function field(name: string, value: string | readonly string[] | undefined): string[] {
  const values = typeof value === 'string' ? [value] : (value ?? []);
  const [first = '<none>', ...rest] = values.length > 0 ? values : ['<none>'];
  const label = `${name}:`.padEnd(Math.max(labelWidth, name.length + 2));
  return [`${label}${first}`, ...rest.map((line) => ' '.repeat(label.length) + line)];
}

/** A heading with its lines two blanks further in. */
export function section(name: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${name}:`, ...indent(lines)];
}

export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `  ${line}`));
}

/** `key=value` lines of labels and the like, sorted. */
export function pairs(map: Readonly<Record<string, string>> | undefined, joint = '='): string[] {
  return Object.entries(map ?? {})
    .map(([key, value]) => `${key}${joint}${value}`)
    .toSorted();
}
