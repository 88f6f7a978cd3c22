/**
 * Kubernetes' API machinery without any kind: field declarations and what follows from them (strict
 * decoding, validation, defaults, OpenAPI, explain, merge keys), patches, selectors, quantities and
 * tables. Pure: no input or output, no clock. It refuses unknown, duplicate and mistyped fields.
 */
export * from './field-error.js';
export * from './kind.js';
export * from './meta/index.js';
export * from './schema/field.js';
