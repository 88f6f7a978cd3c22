interface Level {
  /** Undefined in arrays. */
  readonly keys?: Set<string>;
  path: string;
  index: number;
}

const maxFaults = 100;

/** End of the string literal that starts at `start` (a quote): the index behind its closing quote. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    at += code === 0x5c ? 2 : 1;
  }
  return at;
}

/** The path at which the value that comes next lies. */
function valuePath(level: Level | undefined, key: string): string {
  if (!level) return '';
  if (!level.keys) return `${level.path}[${level.index}]`;
  return level.path === '' ? key : `${level.path}.${key}`;
}

/**
 * Paths of the keys that occur twice in one object of a valid JSON text, which JSON.parse does not
 * tell; at most 100.
 */
export function findDuplicateKeys(text: string): string[] {
  const found: string[] = [];
  const levels: Level[] = [];
  let key = '';
  let expectKey = false;
  for (let at = 0; at < text.length && found.length < maxFaults; at += 1) {
    const level = levels.at(-1);
    switch (text.charAt(at)) {
      case '{':
        levels.push({ keys: new Set(), path: valuePath(level, key), index: 0 });
        expectKey = true;
        break;
      case '[':
        levels.push({ path: valuePath(level, key), index: 0 });
        expectKey = false;
        break;
      case '}':
      case ']':
        levels.pop();
        expectKey = false;
        break;
      case ',':
        if (level) level.index += 1;
        expectKey = level?.keys !== undefined;
        break;
      case '"': {
        const end = stringEnd(text, at);
        if (expectKey && level?.keys) {
          key = JSON.parse(text.slice(at, end)) as string;
          if (level.keys.has(key)) found.push(valuePath(level, key));
          level.keys.add(key);
          expectKey = false;
        }
        at = end - 1;
        break;
      }
      default:
    }
  }
  return found;
}
