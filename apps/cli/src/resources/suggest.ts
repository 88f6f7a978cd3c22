/** Edit distance with neighbours swapped counting once, given up above `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let best = Math.min(
        (rows[row - 1]?.[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (rows[row - 1]?.[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        best = Math.min(best, (rows[row - 2]?.[column - 2] ?? best) + 1);
      }
      current.push(best);
    }
    rows.push(current);
  }
  return rows[a.length]?.[b.length] ?? 0;
}

/** The word that was probably meant, when one is near enough. */
export function suggest(typed: string, known: Iterable<string>): string | undefined {
  const limit = typed.length <= 3 ? 1 : 2;
  let best: { word: string; away: number } | undefined;
  for (const word of known) {
    const away = distance(typed.toLowerCase(), word.toLowerCase(), limit);
    if (away <= limit && (!best || away < best.away)) best = { word, away };
  }
  return best?.word;
}
