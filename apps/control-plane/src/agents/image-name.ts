/** `registry/repository[:tag][@digest]` in full, as agents name images; the text itself when it is no name. */
export function fullImageName(text: string): string {
  const [named = '', digest] = text.split('@', 2);
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const host = isHost ? first : 'docker.io';
  const registry = ['index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
  const path = isHost ? named.slice(slash + 1) : named;
  const hasTag = path.includes(':');
  const full = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path;
  const tag = hasTag || digest !== undefined ? '' : ':latest';
  return `${registry}/${full}${tag}${digest === undefined ? '' : `@${digest}`}`;
}
