import { notFound } from '@gantry/base';
import { apiVersionOf, type Kind } from '../kind.js';
import { describeStruct, type FieldType, type Struct } from './field.js';
import { planOf, structOf, type FieldPlan } from './plan.js';

function typeText(type: FieldType): string {
  switch (type.form) {
    case 'scalar':
      return type.scalar === 'int32' || type.scalar === 'int64' ? 'integer' : type.scalar;
    case 'struct':
      return type.struct().name;
    case 'list':
      return `[]${typeText(type.item)}`;
    case 'map':
      return `map[string]${typeText(type.item)}`;
  }
}

function fieldText(field: FieldPlan): string {
  const need = field.required ? ' -required-' : '';
  const refused = field.unsupported ? `\n    Not served: ${field.unsupported}` : '';
  return `  ${field.name}\t<${typeText(field.type)}>${need}\n    ${field.description}${refused}\n`;
}

/** What a person wants to know about a kind or one of its fields, as `kubectl explain` prints it. */
export function explainText(kind: Kind, path: readonly string[] = []): string {
  let struct: Struct = kind.type;
  let field: FieldPlan | undefined;
  for (const [index, name] of path.entries()) {
    field = planOf(struct).fields.get(name);
    if (!field) throw notFound({ kind: 'field', name: path.slice(0, index + 1).join('.') });
    const inner = structOf(field.type);
    if (inner) struct = inner;
    else if (index < path.length - 1) {
      throw notFound({ kind: 'field', name: path.slice(0, index + 2).join('.') });
    }
  }
  const lines = [`KIND:       ${kind.kind}`, `VERSION:    ${apiVersionOf(kind)}`, ''];
  if (field) lines.push(`FIELD: ${field.name} <${typeText(field.type)}>`, '');
  const shown = field && !structOf(field.type) ? [] : planOf(struct).list;
  lines.push('DESCRIPTION:', `    ${field?.description ?? describeStruct(struct)}`, '');
  if (shown.length > 0) lines.push('FIELDS:', ...shown.map(fieldText));
  return lines.join('\n');
}
