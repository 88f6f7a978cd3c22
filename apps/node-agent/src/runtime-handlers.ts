import { accessSync, constants } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { Pod } from '@gantry/api';
import { unavailable } from '@gantry/base';
import type { ResourceLookup } from './bundle/environment.js';

/** The handler of our own runtime, which every node has. */
export const builtInHandler = 'gantry';

/** Reads `NAME=FILE[,…]`; each file must be there and executable. */
export function parseRuntimeHandlers(text: string): Record<string, string> {
  const handlers: Record<string, string> = {};
  for (const pair of text.split(',').filter(Boolean)) {
    const at = pair.indexOf('=');
    const [name, path] = [pair.slice(0, at), pair.slice(at + 1)];
    if (at < 1 || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name) || !isAbsolute(path)) {
      throw new Error(`${JSON.stringify(pair)} must be NAME=/ABSOLUTE/FILE, NAME a DNS label`);
    }
    if (name === builtInHandler || handlers[name]) throw new Error(`"${name}" is taken already`);
    try {
      accessSync(path, constants.X_OK);
    } catch {
      throw new Error(`${path} is not there or cannot be executed; install it, or leave it out`);
    }
    handlers[name] = path;
  }
  return handlers;
}

/**
 * The handler of the pod's runtime class; undefined is our own runtime. Unavailable when this node does
 * not know the class or has no such handler, since either may come.
 */
export function handlerOf(
  pod: Pod,
  lookup: ResourceLookup,
  handlers: Readonly<Record<string, string>>,
): string | undefined {
  const name = pod.spec.runtimeClassName;
  if (!name) return undefined;
  const found = lookup.runtimeClass(name);
  if (!found) {
    throw unavailable(`spec.runtimeClassName: there is no RuntimeClass "${name}"; create it`);
  }
  const { handler } = found;
  if (handler === builtInHandler) return undefined;
  if (Object.hasOwn(handlers, handler)) return handler;
  const configured = [builtInHandler, ...Object.keys(handlers)].join(', ');
  throw unavailable(
    `RuntimeClass "${name}" wants the handler "${handler}", but this node has ${configured}; start its ` +
      `agent with --runtime-handler ${handler}=FILE, or limit the class by scheduling.nodeSelector`,
  );
}
