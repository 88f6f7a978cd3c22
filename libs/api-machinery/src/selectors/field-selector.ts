import { badRequest } from '@gantry/base';
import type { Kind } from '../kind.js';
import type { ApiObject } from '../meta/object-meta.js';

export interface FieldRequirement {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

/** All requirements must hold. */
export type FieldSelector = readonly FieldRequirement[];

const term = /^([^=!]+)(==|=|!=)(.*)$/s;

/** `\,`, `\=` and `\\` stand for the character itself. */
function unescape(text: string): string {
  return text.replaceAll(/\\([\\,=])/g, '$1');
}

/** Parses `metadata.name=web,status.phase!=Failed`; throws BadRequest. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text.trim() === '') return [];
  return text.split(/(?<!\\),/).map((part) => {
    const match = term.exec(part);
    if (!match) {
      throw badRequest(
        `invalid field selector "${text}": can't understand '${part}'; write FIELD=VALUE or FIELD!=VALUE`,
      );
    }
    const [, field = '', operator, value = ''] = match;
    return {
      field: field.trim(),
      operator: operator === '!=' ? '!=' : '=',
      value: unescape(value),
    };
  });
}

function fieldOf<T extends ApiObject>(kind: Kind<T>, field: string): (object: T) => string {
  if (field === 'metadata.name') return (object) => object.metadata.name ?? '';
  if (field === 'metadata.namespace' && kind.namespaced) {
    return (object) => object.metadata.namespace ?? '';
  }
  const getter = Object.hasOwn(kind.selectableFields, field)
    ? kind.selectableFields[field]
    : undefined;
  if (!getter) throw badRequest(`field label not supported: ${field}`);
  return getter;
}

/** A predicate for objects of the kind; throws BadRequest for a field that cannot be selected by. */
export function compileFieldSelector<T extends ApiObject>(
  kind: Kind<T>,
  selector: FieldSelector,
): (object: T) => boolean {
  const checks = selector.map(({ field, operator, value }) => {
    const get = fieldOf(kind, field);
    return (object: T) => (get(object) === value) === (operator === '=');
  });
  return (object) => checks.every((check) => check(object));
}
