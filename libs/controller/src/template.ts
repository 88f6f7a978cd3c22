import type { ApiObject } from '@gantry/api-machinery';
import { isPlain, leavesOf, type Leaf } from './json-leaves.js';
import { makerOf, type ObjectMaker, type OwnPart } from './object-maker.js';
import { freezeShared } from './object-text.js';

const decoder = new TextDecoder();
const quote = 0x22;
/** Shorter stretches are compared here, longer ones by a call that costs as much as these. */
const nativeCompareBytes = 192;
/** Strings that differ between the objects of one template; with more, they have too little in common. */
const maxSlots = 96;

interface Part extends OwnPart {
  readonly strings: Map<string, number>;
  readonly parts: Map<string, Part>;
}

interface Slot extends Leaf {
  readonly text: string;
  /** An earlier slot with the same text here: it may well be so in others, or -1. */
  readonly twin: number;
}

/**
 * What is below `spec` is one for all objects of a template, so that it can be compared by identity; its own strings
 * and lists of strings may differ, as the addresses of nodes do.
 */
function mayDiffer({ path }: Leaf): boolean {
  if (path.length === 1) return false;
  const isListed = path.length === 3 && typeof path[2] === 'number';
  return path[0] !== 'spec' || path.length === 2 || isListed;
}

/**
 * The text of one object, by which others are read that differ from it in some strings only: what stands between
 * those strings is compared byte by byte, and what it means is taken from the first. Which strings differ is
 * learned from the texts. JSON is read from left to right, so after equal texts a reader is in equal states, and a
 * string of plain characters leads it to the same place whatever the string says.
 */
export class Template {
  private leaves: readonly Leaf[];
  private slots: readonly Slot[] = [];
  /** Of the text that was compared last: the slots' strings, and where they begin. */
  private readonly found: string[] = [];
  private readonly begins: number[] = [];
  private maker: { readonly make: ObjectMaker; readonly common: readonly unknown[] } | undefined;

  private constructor(
    private readonly text: Buffer,
    private readonly model: ApiObject,
    leaves: readonly Leaf[],
  ) {
    this.leaves = leaves.filter(mayDiffer);
  }

  /** Undefined for texts by which no others can be read. `text` is copied. */
  static of(text: Buffer): Template | undefined {
    const leaves = leavesOf(text);
    if (!leaves) return undefined;
    const model = JSON.parse(decoder.decode(text)) as ApiObject;
    if (!isObject(model) || !isObject(model.metadata)) return undefined;
    // Where each object has its own.
    model.metadata.resourceVersion = '';
    return new Template(Buffer.from(text), model, leaves);
  }

  /** What JSON.parse makes of the text, with parts that are shared and frozen; undefined when it is too different. */
  read(text: Buffer, resourceVersion: string): ApiObject | undefined {
    for (;;) {
      const at = this.compare(text);
      if (at === matches) break;
      if (at === differs || !this.learn(at)) return undefined;
    }
    const maker = (this.maker ??= makerOf(this.arrange()));
    if (!maker) return undefined;
    const object = maker.make(maker.common, this.found) as ApiObject;
    object.metadata.resourceVersion = resourceVersion;
    return object;
  }

  /** Fills `found`. Otherwise where in the template the text leaves it, or that it does within a slot. */
  private compare(text: Buffer): number {
    const { slots, begins, text: own } = this;
    let [from, at] = [0, 0];
    for (let i = 0; i < slots.length; i += 1) {
      const { start, end } = slots[i]!;
      const left = leaving(own, from, start, text, at);
      if (left !== matches) return left;
      at += start - from;
      begins[i] = at;
      for (; text[at] !== quote; at += 1) if (!isPlain(text[at]!)) return differs;
      this.found[i] = this.stringOf(i, text, at);
      from = end;
    }
    const left = leaving(own, from, own.length, text, at);
    if (left !== matches) return left;
    return text.length - at === own.length - from ? matches : differs;
  }

  /** Most strings are those of the template, or stand in the text before: one is then there for all. */
  private stringOf(i: number, text: Buffer, end: number): string {
    const { start, end: ownEnd, text: ownText, twin } = this.slots[i]!;
    const begin = this.begins[i]!;
    const length = end - begin;
    if (length === ownEnd - start && isSame(this.text, start, text, begin, length)) return ownText;
    if (twin >= 0 && length === this.found[twin]!.length) {
      if (isSame(text, this.begins[twin]!, text, begin, length)) return this.found[twin]!;
    }
    return text.toString('latin1', begin, end);
  }

  /** The string around this place differs from now on; false when none is there. */
  private learn(at: number): boolean {
    const leaf = this.leaves.find(({ start, end }) => start <= at && at <= end);
    if (!leaf || this.slots.length === maxSlots) return false;
    this.leaves = this.leaves.filter((other) => other !== leaf);
    const leaves = [...this.slots, leaf].sort((a, b) => a.start - b.start);
    const texts = leaves.map(({ start, end }) => this.text.toString('latin1', start, end));
    this.slots = leaves.map(({ path, start, end }, i) => {
      const first = texts.indexOf(texts[i]!);
      return { path, start, end, text: texts[i]!, twin: first < i ? first : -1 };
    });
    this.maker = undefined;
    return true;
  }

  private arrange(): Part {
    const root = part(this.model);
    below(root, 'metadata');
    for (const [index, { path }] of this.slots.entries()) {
      let at = root;
      for (const key of path.slice(0, -1)) at = below(at, String(key));
      at.strings.set(String(path.at(-1)), index);
    }
    freezeBeside(root);
    return root;
  }
}

const matches = -1;
const differs = -2;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The first place in `own` from which on `text` is another, or that there is none. */
function leaving(own: Buffer, from: number, to: number, text: Buffer, at: number): number {
  const length = to - from;
  if (length >= nativeCompareBytes && at + length <= text.length) {
    if (own.compare(text, at, at + length, from, to) === 0) return matches;
  }
  for (let i = 0; i < length; i += 1) if (own[from + i] !== text[at + i]) return from + i;
  return matches;
}

function isSame(a: Buffer, from: number, b: Buffer, at: number, length: number): boolean {
  for (let i = 0; i < length; i += 1) if (a[from + i] !== b[at + i]) return false;
  return true;
}

function part(source: object): Part {
  return { source, strings: new Map(), parts: new Map() };
}

function below({ source, parts }: Part, key: string): Part {
  const known = parts.get(key);
  if (known) return known;
  const made = part((source as Record<string, object>)[key]!);
  parts.set(key, made);
  return made;
}

/** What is shared by all objects of the template is nobody's to change. */
function freezeBeside({ source, parts }: Part): void {
  for (const [key, value] of Object.entries(source)) {
    const own = parts.get(key);
    if (own) freezeBeside(own);
    else freezeShared(value);
  }
}
