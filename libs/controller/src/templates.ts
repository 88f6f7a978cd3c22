import type { ApiObject } from '@gantry/api-machinery';
import { Template } from './template.js';

/** Groups of keys whose templates are kept; those that were not used for longest go first. */
const maxGroups = 512;
/** States of objects in one group, such as pods that wait and pods that run. */
const maxPerGroup = 4;
/** Larger objects have too little in common to be worth a copy. */
const maxTextBytes = 16 * 1024;
const maxPatience = 1024;

interface Group {
  /** The one that was right last comes first. */
  readonly templates: Template[];
  /** Texts that none of them could read, since one was made last. */
  misses: number;
  /** So many of these make a new one; grows, so that a group of unlike objects costs little. */
  patience: number;
}

/**
 * Reads objects by what they have in common with those before: pods of one ReplicaSet differ in some strings, and
 * all else is found by comparing bytes, made once and shared. Objects are tried with those whose keys differ
 * behind the last dash only. Bounded in what it remembers.
 */
export class Templates {
  private readonly groups = new Map<string, Group>();
  private last: { readonly name: string; readonly group: Group } | undefined;

  /** What JSON.parse makes of the text, with parts that are shared and frozen; undefined when none is alike. */
  read(key: string, value: Uint8Array, resourceVersion: string): ApiObject | undefined {
    if (value.length > maxTextBytes) return undefined;
    const text = asBuffer(value);
    const group = this.groupOf(key);
    const { templates } = group;
    for (let i = 0; i < templates.length; i += 1) {
      const template = templates[i]!;
      const object = template.read(text, resourceVersion);
      if (!object) continue;
      if (i > 0) templates.unshift(...templates.splice(i, 1));
      return object;
    }
    return this.missed(group, text)?.read(text, resourceVersion);
  }

  private missed(group: Group, text: Buffer): Template | undefined {
    const { templates } = group;
    group.misses += 1;
    if (group.misses < group.patience) return undefined;
    group.misses = 0;
    group.patience = Math.min(maxPatience, group.patience * 2);
    const made = Template.of(text);
    if (!made) return undefined;
    templates.unshift(made);
    if (templates.length > maxPerGroup) templates.pop();
    return made;
  }

  private groupOf(key: string): Group {
    const name = key.slice(0, Math.max(key.lastIndexOf('-'), key.lastIndexOf('/')) + 1);
    if (name === this.last?.name) return this.last.group;
    const group = this.used(name);
    this.last = { name, group };
    return group;
  }

  private used(name: string): Group {
    const known = this.groups.get(name);
    if (known) {
      this.groups.delete(name);
      this.groups.set(name, known);
      return known;
    }
    const group: Group = { templates: [], misses: 0, patience: 2 };
    this.groups.set(name, group);
    if (this.groups.size > maxGroups) this.groups.delete(this.groups.keys().next().value!);
    return group;
  }
}

function asBuffer(value: Uint8Array): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
