/**
 * What every part stands on: the small set of operating errors, the logger, the clock, back-off, the
 * bell that wakes a loop, protobuf's wire format, and shutdown. It knows no domain and imports nothing of ours.
 */
export * from './backoff.js';
export * from './bell.js';
export * from './clock.js';
export * from './errors.js';
export * from './logger.js';
export * from './protobuf-reader.js';
export * from './protobuf-writer.js';
export * from './shutdown.js';
