/** All verbs, in the order of the help text. */
export { registerApply } from './apply.js';
export { registerGet } from './get.js';
