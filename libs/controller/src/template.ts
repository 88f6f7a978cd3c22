import type { ApiObject } from '@gantry/api-machinery';
import { isPlain, leavesOf, type Leaf } from './json-leaves.js';

const decoder = new TextDecoder();
const quote = 0x22;
/** Shorter stretches are compared here, longer ones by a call that costs as much as these. */
const nativeCompareBytes = 192;
/** Strings that differ between the objects of one template; with more, they have too little in common. */
const maxSlots = 96;

type Parent = Record<string | number, unknown>;

/** A part of the model that is made anew for each object, since something below it differs. */
interface Copied {
  readonly source: object;
  readonly slots: { readonly key: string | number; readonly index: number }[];
  readonly children: { readonly key: string | number; readonly part: Copied }[];
}

/** What is below `spec` is one for all objects of a template, so that it can be compared by identity. */
function mayDiffer({ path }: Leaf): boolean {
  return path.length > 1 && (path[0] !== 'spec' || path.length === 2);
}

/**
 * The text of one object, by which others are read that differ from it in some strings only: what stands between
 * those strings is compared byte by byte, and what it means is taken from the first. Which strings differ is
 * learned from the texts. JSON is read from left to right, so after equal texts a reader is in equal states, and a
 * string of plain characters leads it to the same place whatever the string says.
 */
export class Template {
  private leaves: readonly Leaf[];
  private slots: Leaf[] = [];
  private slotTexts: string[] = [];
  private found: string[] = [];
  private root: Copied;

  private constructor(
    private readonly text: Buffer,
    private readonly model: ApiObject,
    leaves: readonly Leaf[],
  ) {
    this.leaves = leaves.filter(mayDiffer);
    this.root = this.arrange();
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
  read<T extends ApiObject>(text: Buffer, resourceVersion: string): T | undefined {
    for (;;) {
      const at = this.compare(text);
      if (at === matches) break;
      if (at === differs || !this.learn(at)) return undefined;
    }
    const object = this.copy(this.root) as unknown as T;
    object.metadata.resourceVersion = resourceVersion;
    return object;
  }

  /** Fills `found`. Otherwise where in the template the text leaves it, or that it does within a slot. */
  private compare(text: Buffer): number {
    const { slots, found, slotTexts, text: own } = this;
    let [from, at] = [0, 0];
    for (let i = 0; i < slots.length; i += 1) {
      const { start, end } = slots[i]!;
      const left = leaving(own, from, start, text, at);
      if (left !== matches) return left;
      at += start - from;
      const begin = at;
      let isSame = true;
      for (; at < text.length; at += 1) {
        const byte = text[at]!;
        if (byte === quote) break;
        if (!isPlain(byte)) return differs;
        if (byte !== own[start + at - begin]) isSame = false;
      }
      const isOwn = isSame && at - begin === end - start;
      found[i] = isOwn ? slotTexts[i]! : text.toString('latin1', begin, at);
      from = end;
    }
    const left = leaving(own, from, own.length, text, at);
    if (left !== matches) return left;
    return text.length - at === own.length - from ? matches : differs;
  }

  /** The string around this place differs from now on; false when none is there. */
  private learn(at: number): boolean {
    const leaf = this.leaves.find(({ start, end }) => start <= at && at <= end);
    if (!leaf || this.slots.length === maxSlots) return false;
    this.leaves = this.leaves.filter((other) => other !== leaf);
    this.slots = [...this.slots, leaf].sort((a, b) => a.start - b.start);
    this.slotTexts = this.slots.map(({ start, end }) => this.text.toString('latin1', start, end));
    this.found = [...this.slotTexts];
    this.root = this.arrange();
    return true;
  }

  private arrange(): Copied {
    const root = part(this.model);
    child(root, 'metadata');
    for (const [index, { path }] of this.slots.entries()) {
      let at = root;
      for (const key of path.slice(0, -1)) at = child(at, key);
      at.slots.push({ key: path.at(-1)!, index });
    }
    freezeBeside(root);
    return root;
  }

  private copy({ source, slots, children }: Copied): Parent {
    const copy = (Array.isArray(source) ? source.slice() : { ...source }) as Parent;
    for (let i = 0; i < slots.length; i += 1) {
      const { key, index } = slots[i]!;
      copy[key] = this.found[index];
    }
    for (let i = 0; i < children.length; i += 1) {
      const { key, part } = children[i]!;
      copy[key] = this.copy(part);
    }
    return copy;
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

function part(source: object): Copied {
  return { source, slots: [], children: [] };
}

function child(parent: Copied, key: string | number): Copied {
  const known = parent.children.find((each) => each.key === key);
  if (known) return known.part;
  const made = part((parent.source as Parent)[key] as object);
  parent.children.push({ key, part: made });
  return made;
}

/** What is shared by all objects of the template is nobody's to change. */
function freezeBeside({ source, children }: Copied): void {
  for (const [key, value] of Object.entries(source)) {
    const below = children.find((each) => String(each.key) === key);
    if (below) freezeBeside(below.part);
    else freezeAll(value);
  }
}

function freezeAll(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const below of Object.values(value)) freezeAll(below);
}
