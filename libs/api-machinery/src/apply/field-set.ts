import type { FieldsV1 } from '../meta/managed-fields.js';

/**
 * Sets of field paths in the form of FieldsV1: `f:NAME` is a field, `k:{KEYS}` an item of a keyed list,
 * `v:VALUE` an item of a set; a node is itself a member when it is empty or holds `.`.
 */
export type FieldSet = FieldsV1;

const self = '.';

export function isEmptySet(set: FieldSet): boolean {
  return Object.keys(set).length === 0;
}

function isMember(node: FieldSet): boolean {
  return isEmptySet(node) || self in node;
}

function childrenOf(node: FieldSet): [string, FieldSet][] {
  return Object.entries(node).filter(([key]) => key !== self);
}

/** A node of a set from its parts; undefined when nothing is left. */
function node(member: boolean, children: [string, FieldSet][]): FieldSet | undefined {
  if (children.length === 0) return member ? {} : undefined;
  return Object.fromEntries(member ? [[self, {}], ...children] : children);
}

type Combine = (inA: boolean, inB: boolean) => boolean;

function combine(
  a: FieldSet | undefined,
  b: FieldSet | undefined,
  keep: Combine,
): FieldSet | undefined {
  const names = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]);
  names.delete(self);
  const children: [string, FieldSet][] = [];
  for (const name of names) {
    const child = combine(a?.[name], b?.[name], keep);
    if (child) children.push([name, child]);
  }
  return node(keep(a !== undefined && isMember(a), b !== undefined && isMember(b)), children);
}

// The root is never a member: an empty set has no fields at all.
function atRoot(a: FieldSet, b: FieldSet, keep: Combine): FieldSet {
  const wrapped = combine({ root: a }, { root: b }, keep)?.['root'] ?? {};
  const { [self]: _, ...set } = wrapped;
  return set;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  return atRoot(a, b, (inA, inB) => inA || inB);
}

export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a;
  return atRoot(a, b, (inA, inB) => inA && !inB);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return atRoot(a, b, (inA, inB) => inA && inB);
}

function elementText(element: string): string {
  const value = element.slice(2);
  if (element.startsWith('f:')) return `.${value}`;
  if (element.startsWith('v:')) return `[=${value}]`;
  const keys = Object.entries(JSON.parse(value) as Record<string, unknown>);
  return `[${keys.map(([key, id]) => `${key}=${JSON.stringify(id)}`).join(',')}]`;
}

/** All paths as people read them: `.spec.containers[name="web"].image`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  return childrenOf(set).flatMap(([element, child]) => {
    const path = prefix + elementText(element);
    const inner = pathsOf(child, path);
    return isMember(child) ? [path, ...inner] : inner;
  });
}
