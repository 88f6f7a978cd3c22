import type { FieldError } from './field-error.js';
import { jsonEqual } from './json-equal.js';
import type { Column, FieldGetter, Kind, Subresources } from './kind.js';
import type { ApiObject, ObjectMeta } from './meta/object-meta.js';
import { validateObjectMeta, validateObjectMetaUpdate } from './meta/validate-object-meta.js';
import { dnsSubdomainRule } from './names.js';
import { checkStruct } from './schema/check.js';
import type { Rule } from './schema/constraints.js';
import { fillDefaults } from './schema/defaults.js';
import type { Struct } from './schema/field.js';
import { planOf, type JsonObject } from './schema/plan.js';

/** What a kind declares; everything else of {@link Kind} follows from its struct. */
export interface KindDefinition<T extends ApiObject> {
  readonly group?: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  readonly type: Struct<T>;
  readonly subresources?: Subresources;
  readonly columns?: readonly Column<T>[];
  readonly selectableFields?: Readonly<Record<string, FieldGetter<T>>>;
  /** Rule for names; default: DNS subdomain. */
  readonly nameRule?: Rule;
  /** Runs before the declared defaults. */
  setDefaults?(object: T): void;
  /** Rules beyond the declared constraints. */
  validate?(object: T): FieldError[];
  /** Rules of a change. */
  validateUpdate?(object: T, old: T): FieldError[];
  /** The status of a new object; default: none. */
  initialStatus?(object: T): object | undefined;
  /** Further clean-up of a new or changed object. */
  prepare?(object: T, old?: T): void;
}

const ageColumn: Column<ApiObject> = {
  name: 'Age',
  type: 'date',
  format: '',
  description: 'Time since the object was created.',
  priority: 0,
  value: (object) => object.metadata.creationTimestamp ?? '',
};

const nameColumn: Column<ApiObject> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name, unique among the objects of its kind in its namespace.',
  priority: 0,
  value: (object) => object.metadata.name ?? '',
};

/** What the server owns in metadata, taken over from the stored object. */
const keptMeta = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
  'generation',
] as const satisfies readonly (keyof ObjectMeta)[];

function keep<T extends object>(target: T, source: T, key: keyof T): void {
  if (source[key] === undefined) delete target[key];
  else target[key] = source[key];
}

function checkDeclared(type: Struct, object: ApiObject): FieldError[] {
  const errors: FieldError[] = [];
  const { status: _observed, metadata: _metadata, ...desired } = object as ApiObject & JsonObject;
  checkStruct(type, { ...desired, metadata: {} }, '', errors);
  return errors;
}

/** Whether anything but metadata and status differs: the desired state. */
function desiredStateDiffers(type: Struct, object: ApiObject, old: ApiObject): boolean {
  return planOf(type).list.some(({ name }) => {
    if (name === 'metadata' || name === 'status' || name === 'kind' || name === 'apiVersion') {
      return false;
    }
    return !jsonEqual(
      (object as ApiObject & JsonObject)[name],
      (old as ApiObject & JsonObject)[name],
    );
  });
}

function countsGenerations(type: Struct): boolean {
  return planOf(type).fields.has('spec');
}

/** Builds the kind from its definition, with Kubernetes' semantics of create, update and status. */
export function defineKind<T extends ApiObject>(definition: KindDefinition<T>): Kind<T> {
  const { type, namespaced, nameRule = dnsSubdomainRule } = definition;
  const names = { singular: definition.kind.toLowerCase(), group: definition.group ?? '' };
  return {
    ...names,
    version: definition.version,
    kind: definition.kind,
    plural: definition.plural,
    shortNames: definition.shortNames ?? [],
    categories: definition.categories ?? [],
    namespaced,
    type,
    subresources: definition.subresources ?? {},
    columns: definition.columns ?? [nameColumn, ageColumn],
    selectableFields: definition.selectableFields ?? {},
    setDefaults(object) {
      definition.setDefaults?.(object);
      fillDefaults(type, object);
    },
    validate(object, old) {
      const errors = validateObjectMeta(object.metadata, namespaced, nameRule);
      if (old) errors.push(...validateObjectMetaUpdate(object.metadata, old.metadata));
      errors.push(...checkDeclared(type, object));
      errors.push(...(definition.validate?.(object) ?? []));
      if (old) errors.push(...(definition.validateUpdate?.(object, old) ?? []));
      return errors;
    },
    validateStatus(object, old) {
      return [
        ...validateObjectMeta(object.metadata, namespaced, nameRule),
        ...validateObjectMetaUpdate(object.metadata, old.metadata),
      ];
    },
    ...lifecycle(definition),
  };
}

type Lifecycle<T extends ApiObject> = Pick<
  Kind<T>,
  'prepareForCreate' | 'prepareForUpdate' | 'prepareForStatusUpdate'
>;

function lifecycle<T extends ApiObject>(definition: KindDefinition<T>): Lifecycle<T> {
  const { type } = definition;
  return {
    prepareForCreate(object) {
      const { metadata } = object;
      delete metadata.deletionTimestamp;
      delete metadata.deletionGracePeriodSeconds;
      delete metadata.selfLink;
      delete metadata.generation;
      if (countsGenerations(type)) metadata.generation = 1;
      const status = definition.initialStatus?.(object);
      const target = object as ApiObject & JsonObject;
      if (status) target['status'] = status;
      else delete target['status'];
      definition.prepare?.(object);
    },
    prepareForUpdate(object, old) {
      const { metadata } = object;
      delete metadata.selfLink;
      for (const key of keptMeta) keep(metadata, old.metadata, key);
      if (definition.subresources?.status) keep(object, old, 'status' as keyof T);
      definition.prepare?.(object, old);
      if (countsGenerations(type) && desiredStateDiffers(type, object, old)) {
        metadata.generation = (old.metadata.generation ?? 0) + 1;
      }
    },
    prepareForStatusUpdate(object, old) {
      const target = object as ApiObject & JsonObject;
      const { resourceVersion, managedFields } = object.metadata;
      for (const { name } of planOf(type).list) {
        if (name !== 'status') keep(target, old as ApiObject & JsonObject, name);
      }
      target.metadata = { ...old.metadata };
      // The precondition and the ownership records are of this very write.
      if (resourceVersion !== undefined) target.metadata.resourceVersion = resourceVersion;
      if (managedFields !== undefined) target.metadata.managedFields = managedFields;
    },
  };
}
