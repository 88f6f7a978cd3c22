/**
 * Kubernetes' API machinery without any kind: field declarations and what follows from them (strict
 * decoding, validation, defaults, OpenAPI, explain, merge keys), patches, selectors, quantities and
 * tables. Pure: no input or output, no clock. It refuses unknown, duplicate and mistyped fields.
 */
export * from './define-kind.js';
export * from './field-error.js';
export * from './human-duration.js';
export * from './json-equal.js';
export * from './kind.js';
export * from './meta/index.js';
export * from './meta/validate-object-meta.js';
export * from './names.js';
export * from './quantity.js';
export * from './schema/check.js';
export * from './schema/constraints.js';
export * from './schema/decode.js';
export * from './schema/defaults.js';
export * from './schema/field.js';
export * from './schema/plan.js';
export * from './selectors/field-selector.js';
export * from './selectors/label-selector.js';
export * from './patch/json-merge.js';
export * from './patch/json-patch.js';
export * from './patch/strategic-merge.js';
export * from './schema/explain.js';
export * from './schema/openapi.js';
export * from './tables/table.js';
export * from './patch/strategic-diff.js';
export * from './apply/field-set.js';
export * from './apply/server-side-apply.js';
export * from './apply/typed-fields.js';
