import { ImageError } from './errors.js';

/** A parsed image name: `registry/repository[:tag][@digest]`, with Docker's defaults filled in. */
export interface Reference {
  /** `docker.io`, `ghcr.io`, `registry.example:5000`, `[::1]:5000`. */
  readonly registry: string;
  /** `library/nginx`. */
  readonly repository: string;
  /** Set unless a digest is; `latest` when the name has neither. */
  readonly tag?: string;
  readonly digest?: string;
}

const registryPattern =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const maxRepositoryLength = 255;
const defaultRegistry = 'docker.io';
const defaultTag = 'latest';

export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

function refuse(text: string, why: string): ImageError {
  const shown = text.length > 300 ? `${text.slice(0, 300)}...` : text;
  return new ImageError(
    'invalid-reference',
    `image name ${JSON.stringify(shown)} is invalid: ${why}`,
  );
}

/** Parses as Docker and the kubelet do; throws ImageError `invalid-reference` that names the faulty part. */
export function parseReference(text: string): Reference {
  const [named, digest] = splitDigest(text);
  const [path, tag] = splitTag(named);
  const { registry, repository } = splitRegistry(path);
  if (!registryPattern.test(registry)) throw refuse(text, `"${registry}" is no registry host`);
  if (repository.length > maxRepositoryLength) throw refuse(text, 'the repository is too long');
  if (!repositoryPattern.test(repository)) throw refuse(text, describeRepository(repository));
  if (tag !== undefined && !tagPattern.test(tag)) throw refuse(text, `"${tag}" is no tag`);
  if (digest !== undefined && !isDigest(digest)) {
    throw refuse(text, `"${digest}" is no digest; it must be sha256: and 64 hexadecimal digits`);
  }
  if (digest !== undefined) return { registry, repository, ...(tag && { tag }), digest };
  return { registry, repository, tag: tag ?? defaultTag };
}

/** The full name, e.g. `docker.io/library/nginx:1.27`; parsing it gives the same reference. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

function splitDigest(text: string): [string, string | undefined] {
  const at = text.indexOf('@');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function splitTag(text: string): [string, string | undefined] {
  const colon = text.lastIndexOf(':');
  if (colon <= text.lastIndexOf('/') || text.endsWith(']')) return [text, undefined];
  return [text.slice(0, colon), text.slice(colon + 1)];
}

function splitRegistry(path: string): { registry: string; repository: string } {
  const slash = path.indexOf('/');
  const first = slash < 0 ? '' : path.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const registry = isHost ? canonicalRegistry(first) : defaultRegistry;
  const repository = isHost ? path.slice(slash + 1) : path;
  const isOfficial = registry === defaultRegistry && !repository.includes('/');
  return { registry, repository: isOfficial ? `library/${repository}` : repository };
}

/** Docker Hub goes by several names; `docker.io` stands for all of them. */
export function canonicalRegistry(host: string): string {
  const known = ['index.docker.io', 'registry-1.docker.io'];
  return known.includes(host) ? defaultRegistry : host;
}

function describeRepository(repository: string): string {
  if (repository === 'library/' || repository === '') return 'it is empty';
  if (/[A-Z]/.test(repository)) return 'the repository must be lower case';
  return `"${repository}" is no repository path`;
}
