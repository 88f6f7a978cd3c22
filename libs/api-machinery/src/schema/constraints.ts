import { IsDefined as isDefinedPart } from 'class-validator/cjs/decorator/common/IsDefined.js';
import { IsIn as isInPart } from 'class-validator/cjs/decorator/common/IsIn.js';
import { IsOptional as isOptionalPart } from 'class-validator/cjs/decorator/common/IsOptional.js';
import { ValidateBy as validateByPart } from 'class-validator/cjs/decorator/common/ValidateBy.js';
import { Max as maxPart } from 'class-validator/cjs/decorator/number/Max.js';
import { Min as minPart } from 'class-validator/cjs/decorator/number/Min.js';
import { getMetadataStorage } from 'class-validator/cjs/metadata/MetadataStorage.js';
import type { ValidationArguments } from 'class-validator';
import { invalidValue, notSupported, type FieldError } from '../field-error.js';
import type { Struct } from './field.js';

/** class-validator's decorators, from its parts, because its index weighs 21 MB. */
export const IsDefined: typeof import('class-validator').IsDefined = isDefinedPart;
export const IsIn: typeof import('class-validator').IsIn = isInPart;
export const IsOptional: typeof import('class-validator').IsOptional = isOptionalPart;
export const Max: typeof import('class-validator').Max = maxPart;
export const Min: typeof import('class-validator').Min = minPart;

/** The present value meets a rule when the function returns no message; the message is the detail. */
export type Rule = (value: string) => string | undefined;

/** Makes a class-validator decorator of a rule about a string or about each string of a list. */
export function Satisfies(name: string, rule: Rule): PropertyDecorator {
  return validateByPart({
    name,
    constraints: [rule],
    validator: { validate: (value) => typeof value === 'string' && rule(value) === undefined },
  });
}

/** One check of a present value; undefined when it holds. */
export type Constraint = (value: unknown, field: string) => FieldError | undefined;

interface Registered {
  readonly name?: string;
  readonly propertyName: string;
  readonly constraints: unknown[];
  readonly constraintCls: new () => {
    validate(value: unknown, args: ValidationArguments): boolean | Promise<boolean>;
  };
}

function describe(metadata: Registered, value: unknown, field: string): FieldError {
  const [bound] = metadata.constraints;
  if (metadata.name === 'min' || metadata.name === 'max') {
    const relation = metadata.name === 'min' ? 'greater' : 'less';
    return invalidValue(field, value, `must be ${relation} than or equal to ${Number(bound)}`);
  }
  if (metadata.name === 'isIn') {
    return notSupported(field, value, (bound as string[]).filter(Boolean));
  }
  return invalidValue(field, value, (bound as Rule)(value as string) ?? '');
}

function toConstraint(metadata: Registered): Constraint {
  const instance = new metadata.constraintCls();
  const args = { constraints: metadata.constraints } as ValidationArguments;
  return (value, field) =>
    instance.validate(value, args) ? undefined : describe(metadata, value, field);
}

/**
 * The class-validator constraints of a struct by property, compiled so that plain JSON is checked
 * without making instances.
 */
export function constraintsOf(struct: Struct): ReadonlyMap<string, readonly Constraint[]> {
  const all = getMetadataStorage().getTargetValidationMetadatas(
    struct,
    '',
    true,
    false,
  ) as unknown as Registered[];
  const byProperty = new Map<string, Constraint[]>();
  for (const metadata of all) {
    // Presence is the field declaration's affair; see `required`.
    if (!metadata.constraintCls || metadata.name === 'isDefined') continue;
    if (!Array.isArray(metadata.constraints) || metadata.constraints.length === 0) continue;
    const constraints = byProperty.get(metadata.propertyName) ?? [];
    constraints.push(toConstraint(metadata));
    byProperty.set(metadata.propertyName, constraints);
  }
  return byProperty;
}
