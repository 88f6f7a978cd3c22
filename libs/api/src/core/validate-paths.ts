import { invalidValue, required, type FieldError } from '@gantry/api-machinery';

function hasBackstep(path: string): boolean {
  return path.split('/').includes('..');
}

/** A path inside a volume: relative, and it never leaves. */
export function validateInnerPath(path: string | undefined, field: string): FieldError[] {
  if (!path) return [required(field)];
  if (path.startsWith('/')) return [invalidValue(field, path, 'must be a relative path')];
  return hasBackstep(path) ? [invalidValue(field, path, "must not contain '..'")] : [];
}

/** An absolute path that never steps back. */
export function validateAbsolutePath(path: string | undefined, field: string): FieldError[] {
  if (!path) return [required(field)];
  if (!path.startsWith('/')) return [invalidValue(field, path, 'must be an absolute path')];
  if (path.includes('\0')) return [invalidValue(field, path, 'must not contain a zero byte')];
  return hasBackstep(path) ? [invalidValue(field, path, "must not contain '..'")] : [];
}
