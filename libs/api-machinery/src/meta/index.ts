/** The metadata types that all kinds share. */
export * from './condition.js';
export * from './label-selector.js';
export * from './managed-fields.js';
export * from './object-meta.js';
export * from './owner-reference.js';
export * from './status.js';
export * from './table.js';
