import { age, type ApiObject, type Column } from '@gantry/api-machinery';
import type { PodTemplateSpec } from './pod.js';

type Cell<T> = (object: T, nowMs: number) => string | number | boolean;

/** A column of text that always shows. */
export function column<T>(name: string, description: string, value: Cell<T>): Column<T> {
  return { name, type: 'string', format: '', description, priority: 0, value };
}

/** A column of whole numbers that always shows. */
export function integerColumn<T>(name: string, description: string, value: Cell<T>): Column<T> {
  return { ...column(name, description, value), type: 'integer' };
}

/** A column that shows with `-o wide`. */
export function wideColumn<T>(name: string, description: string, value: Cell<T>): Column<T> {
  return { ...column(name, description, value), priority: 1 };
}

export const nameColumn: Column<ApiObject> = {
  ...column('Name', 'Name of the object.', (object: ApiObject) => object.metadata.name ?? ''),
  format: 'name',
};

export const ageColumn: Column<ApiObject> = column(
  'Age',
  'Time since the object was created.',
  (object, nowMs) => age(object.metadata.creationTimestamp, nowMs),
);

/** Names and images of the containers of a template, for `-o wide`. */
export function containerColumns<T extends ApiObject>(
  templateOf: (object: T) => PodTemplateSpec | undefined,
): Column<T>[] {
  const containers = (object: T) => templateOf(object)?.spec?.containers ?? [];
  return [
    wideColumn('Containers', 'Names of the containers.', (object) =>
      containers(object)
        .map(({ name }) => name)
        .join(','),
    ),
    wideColumn('Images', 'Images of the containers.', (object) =>
      containers(object)
        .map(({ image }) => image)
        .join(','),
    ),
  ];
}
