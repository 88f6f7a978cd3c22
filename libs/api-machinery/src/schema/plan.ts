import { constraintsOf, type Constraint } from './constraints.js';
import { fieldsOf, type FieldDeclaration, type FieldType, type Struct } from './field.js';

/** A declared field with its constraints, ready for walking. */
export interface FieldPlan extends FieldDeclaration {
  readonly constraints: readonly Constraint[];
  /** The field as a path of managed fields has it: `f:spec`. */
  readonly element: string;
}

/** All a walk needs to know about a struct, compiled once. */
export interface StructPlan {
  readonly struct: Struct;
  readonly fields: ReadonlyMap<string, FieldPlan>;
  readonly list: readonly FieldPlan[];
}

const plans = new WeakMap<Struct, StructPlan>();

export function planOf(struct: Struct): StructPlan {
  const known = plans.get(struct);
  if (known) return known;
  const constraints = constraintsOf(struct);
  const fields = new Map(
    [...fieldsOf(struct)].map(([name, declaration]) => [
      name,
      { ...declaration, constraints: constraints.get(name) ?? [], element: `f:${name}` },
    ]),
  );
  const plan = { struct, fields, list: [...fields.values()] };
  plans.set(struct, plan);
  return plan;
}

/** The struct at the bottom of lists and maps, when there is one. */
export function structOf(type: FieldType): Struct | undefined {
  if (type.form === 'struct') return type.struct();
  return type.form === 'scalar' ? undefined : structOf(type.item);
}

/** Plain JSON object, as walks see it. */
export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
