/** A string in a JSON text that is no key: where its content lies, and under which keys it is found. */
export interface Leaf {
  readonly path: readonly (string | number)[];
  /** Of the first byte behind the opening quote. */
  readonly start: number;
  /** Of the closing quote. */
  readonly end: number;
}

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];
/** Deeper texts are left to JSON.parse alone. */
const maxDepth = 64;

/** Whether a byte stands for itself in a JSON string, and is a printable character by itself in UTF-8. */
export function isPlain(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f && byte !== quote && byte !== backslash;
}

/**
 * The strings of a JSON text (RFC 8259) that has no space between its parts, as JSON.stringify writes it, and
 * that JSON.parse takes; throws as that does for some that it does not take. Strings that hold anything but plain ASCII
 * are left out. Undefined for texts whose paths would not be unambiguous: with a key twice in one object, or the key
 * `__proto__`.
 */
export function leavesOf(text: Buffer): Leaf[] | undefined {
  const scanner = new Scanner(text);
  const isObject = text[0] === openBrace;
  return isObject && scanner.value([]) && scanner.atEnd ? scanner.leaves : undefined;
}

class Scanner {
  readonly leaves: Leaf[] = [];
  private at = 0;

  constructor(private readonly text: Buffer) {}

  get atEnd(): boolean {
    return this.at === this.text.length;
  }

  /** False where the text cannot be told of. */
  value(path: readonly (string | number)[]): boolean {
    const first = this.text[this.at];
    if (path.length > maxDepth) return false;
    if (first === openBrace) return this.object(path);
    if (first === openBracket) return this.array(path);
    if (first !== quote) return this.literal();
    const start = this.at + 1;
    const isAllPlain = this.string();
    if (isAllPlain === undefined) return false;
    if (isAllPlain) this.leaves.push({ path, start, end: this.at - 1 });
    return true;
  }

  private object(path: readonly (string | number)[]): boolean {
    const keys = new Set<string>();
    this.at += 1;
    if (this.takes(closeBrace)) return true;
    for (;;) {
      const key = this.key();
      if (key === undefined || keys.has(key) || !this.takes(colon)) return false;
      keys.add(key);
      if (!this.value([...path, key])) return false;
      if (this.takes(closeBrace)) return true;
      if (!this.takes(comma)) return false;
    }
  }

  private array(path: readonly (string | number)[]): boolean {
    this.at += 1;
    if (this.takes(closeBracket)) return true;
    for (let i = 0; ; i += 1) {
      if (!this.value([...path, i])) return false;
      if (this.takes(closeBracket)) return true;
      if (!this.takes(comma)) return false;
    }
  }

  private key(): string | undefined {
    const start = this.at;
    if (this.text[start] !== quote) return undefined;
    const isAllPlain = this.string();
    if (isAllPlain === undefined) return undefined;
    // Those of managed fields have escapes: `"k:{\"name\":\"main\"}"`.
    const key = isAllPlain
      ? this.text.toString('latin1', start + 1, this.at - 1)
      : (JSON.parse(this.text.toString('utf8', start, this.at)) as string);
    return key === '__proto__' ? undefined : key;
  }

  /** Moves behind a string; whether it is plain, and undefined when it has no end. */
  private string(): boolean | undefined {
    let isAllPlain = true;
    for (let i = this.at + 1; i < this.text.length; i += 1) {
      const byte = this.text[i]!;
      if (byte === quote) {
        this.at = i + 1;
        return isAllPlain;
      }
      if (isPlain(byte)) continue;
      isAllPlain = false;
      if (byte === backslash) i += 1;
    }
    return undefined;
  }

  /** A number, true, false or null. */
  private literal(): boolean {
    const start = this.at;
    for (; this.at < this.text.length; this.at += 1) {
      const byte = this.text[this.at]!;
      if (byte === comma || byte === closeBrace || byte === closeBracket) break;
      if (byte <= 0x20 || byte === quote || byte === colon) return false;
    }
    return this.at > start;
  }

  private takes(byte: number): boolean {
    if (this.text[this.at] !== byte) return false;
    this.at += 1;
    return true;
  }
}
