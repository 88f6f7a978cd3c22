import {
  type ApiObject,
  compileFieldSelector,
  type Kind,
  matches,
  parseFieldSelector,
  parseLabelSelector,
} from '@gantry/api-machinery';
import type { Selection } from './options.js';

export type Matcher<T> = (object: T) => boolean;

/** A predicate for the selectors of a request; undefined when they select all. BadRequest if unreadable. */
export function compileSelection<T extends ApiObject>(
  kind: Kind<T>,
  selection: Selection,
): Matcher<T> | undefined {
  const tests: Matcher<T>[] = [];
  if (selection.labelSelector) {
    const selector = parseLabelSelector(selection.labelSelector);
    tests.push((object) => matches(selector, object.metadata.labels));
  }
  if (selection.fieldSelector) {
    tests.push(compileFieldSelector(kind, parseFieldSelector(selection.fieldSelector)));
  }
  return tests.length > 0 ? (object) => tests.every((test) => test(object)) : undefined;
}
