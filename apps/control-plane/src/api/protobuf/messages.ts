import { fieldNumbers } from './field-numbers.js';

/** How the values of a field are written in JSON. */
export type FieldShape = 'single' | 'list' | 'map';

export interface MessageField {
  readonly name: string;
  /** Its fields are fields of the message that holds it (Go's inline structs). */
  readonly inline: boolean;
  readonly shape: FieldShape;
  /** A pointer in Go: a zero that is written means zero and not absence. */
  readonly pointer: boolean;
  /** A scalar's name, or that of a message such as `core.v1.Container`. */
  readonly type: string;
}

export type MessageFields = ReadonlyMap<number, MessageField>;

const parsed = new Map<string, MessageFields>();

function parseField(text: string): [number, MessageField] {
  const [number = '', name = '', ...rest] = text.split(':');
  const declared = rest.join(':');
  const pointer = declared.startsWith('*');
  const bare = pointer ? declared.slice(1) : declared;
  const shape = bare.startsWith('[]') ? 'list' : bare.startsWith('map:') ? 'map' : 'single';
  const type = bare.replace(/^(\[\]|map:)\*?/, '');
  return [Number(number), { name, inline: name === '~', shape, pointer, type }];
}

/**
 * The fields of a message by number; undefined for one that is not in the table. See
 * field-numbers.ts for how they are written down.
 */
export function messageFields(message: string): MessageFields | undefined {
  const known = parsed.get(message);
  if (known) return known;
  const text = Object.hasOwn(fieldNumbers, message) ? fieldNumbers[message] : undefined;
  if (text === undefined) return undefined;
  const fields = new Map(text.split(' ').filter(Boolean).map(parseField));
  parsed.set(message, fields);
  return fields;
}
