import { GantryError } from '@gantry/base';

/** The representation an answer takes. */
export type Form =
  | { readonly as: 'object'; readonly yaml?: boolean }
  | { readonly as: 'table' | 'metadata'; readonly version: 'v1' | 'v1beta1' }
  | { readonly as: 'discovery'; readonly version: 'v2' | 'v2beta1' };

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

function parseRange(text: string): MediaRange {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim());
  const pairs = rest.map((part) => part.split('=', 2) as [string, string | undefined]);
  return {
    type: type.toLowerCase(),
    parameters: new Map(pairs.map(([key, value]) => [key, value ?? ''])),
  };
}

const plainTypes = new Set(['application/json', 'application/*', '*/*', 'text/*']);

function formOf({ type, parameters }: MediaRange): Form | undefined {
  if (type === 'application/yaml' && !parameters.has('as')) return { as: 'object', yaml: true };
  if (!plainTypes.has(type)) return undefined;
  const as = parameters.get('as');
  if (as === undefined) return { as: 'object' };
  const version = parameters.get('v');
  const group = parameters.get('g');
  if (group === 'meta.k8s.io' && (version === 'v1' || version === 'v1beta1')) {
    if (as === 'Table') return { as: 'table', version };
    if (as.startsWith('PartialObjectMetadata')) return { as: 'metadata', version };
  }
  const discovery = group === 'apidiscovery.k8s.io' && as === 'APIGroupDiscoveryList';
  if (discovery && (version === 'v2' || version === 'v2beta1')) return { as: 'discovery', version };
  return undefined;
}

/**
 * The first acceptable form in the order of the header (kubectl lists by preference and sends no
 * weights); NotAcceptable when there is none. `allowed` says which transformed forms the path has.
 */
export function negotiate(accept: string | undefined, allowed: readonly Form['as'][] = []): Form {
  if (!accept) return { as: 'object' };
  for (const text of accept.split(',')) {
    const form = formOf(parseRange(text));
    if (form && (form.as === 'object' || allowed.includes(form.as))) return form;
  }
  throw new GantryError(
    'NotAcceptable',
    'only the following media types are accepted: application/json, application/yaml',
  );
}
