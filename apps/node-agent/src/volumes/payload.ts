import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Secret,
  Volume,
  VolumeProjection,
} from '@gantry/api';
import type { ResourceLookup } from '../bundle/environment.js';
import { fieldValue, resourceValue, type FieldContext } from '../bundle/fields.js';
import { VolumeError } from './volume-error.js';

/** One file of a volume that the agent writes. */
export interface PayloadFile {
  readonly data: Buffer;
  readonly mode: number;
}

/** Files by their relative path. */
export type Payload = Map<string, PayloadFile>;

type Contents = Map<string, Buffer>;

function configMapContents(object: ConfigMap): Contents {
  const text = Object.entries(object.data ?? {}).map(([k, v]) => [k, Buffer.from(v)] as const);
  const binary = Object.entries(object.binaryData ?? {}).map(
    ([k, v]) => [k, Buffer.from(v, 'base64')] as const,
  );
  return new Map([...text, ...binary]);
}

function secretContents(object: Secret): Contents {
  const entries = Object.entries(object.data ?? {});
  return new Map(entries.map(([k, v]) => [k, Buffer.from(v, 'base64')]));
}

/** A relative path that stays inside its volume and clear of the writer's own `..` names. */
export function safeRelativePath(path: string): boolean {
  if (path === '' || path.startsWith('/') || path.includes('\0') || path.startsWith('..'))
    return false;
  return path.split('/').every((part) => part !== '..' && part !== '.' && part !== '');
}

/** Collects the files of one volume from its sources. */
class PayloadBuilder {
  readonly files: Payload = new Map();

  constructor(
    private readonly volume: string,
    private readonly context: FieldContext,
    private readonly lookup: ResourceLookup,
    private readonly defaultMode: number,
  ) {}

  configMap(name: string, items: readonly KeyToPath[] | undefined, optional = false): void {
    const object = this.lookup.configMap(name);
    if (object) this.keys(`configmap "${name}"`, configMapContents(object), items, optional);
    else if (!optional) throw new VolumeError(this.volume, `configmap "${name}" not found`);
  }

  secret(name: string, items: readonly KeyToPath[] | undefined, optional = false): void {
    const object = this.lookup.secret(name);
    if (object) this.keys(`secret "${name}"`, secretContents(object), items, optional);
    else if (!optional) throw new VolumeError(this.volume, `secret "${name}" not found`);
  }

  downward(items: readonly DownwardAPIVolumeFile[] | undefined): void {
    for (const item of items ?? []) {
      const value = item.fieldRef
        ? fieldValue(item.fieldRef, this.context)
        : resourceValue(item.resourceFieldRef!, this.context);
      this.add(item.path, Buffer.from(value), item.mode);
    }
  }

  projection(source: VolumeProjection): void {
    const { configMap, secret, downwardAPI } = source;
    if (configMap) this.configMap(configMap.name ?? '', configMap.items, configMap.optional);
    if (secret) this.secret(secret.name ?? '', secret.items, secret.optional);
    if (downwardAPI) this.downward(downwardAPI.items);
  }

  private keys(
    what: string,
    contents: Contents,
    items: readonly KeyToPath[] | undefined,
    optional: boolean,
  ): void {
    const chosen = items?.length ? items : [...contents.keys()].map((key) => ({ key, path: key }));
    for (const { key, path, mode } of chosen as readonly KeyToPath[]) {
      const data = contents.get(key);
      if (data) this.add(path, data, mode);
      else if (!optional) throw new VolumeError(this.volume, `${what} has no key "${key}"`);
    }
  }

  private add(path: string, data: Buffer, mode: number | undefined): void {
    if (!safeRelativePath(path)) {
      throw new VolumeError(
        this.volume,
        `path ${JSON.stringify(path)} must be relative, without ".."`,
      );
    }
    this.files.set(path, { data, mode: mode ?? this.defaultMode });
  }
}

/** The files of a configMap, secret, downwardAPI or projected volume; undefined for other volumes. */
export function volumePayload(
  volume: Volume,
  context: FieldContext,
  lookup: ResourceLookup,
): Payload | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  const source = configMap ?? secret ?? downwardAPI ?? projected;
  if (!source) return undefined;
  const builder = new PayloadBuilder(volume.name, context, lookup, source.defaultMode ?? 0o644);
  if (configMap) builder.configMap(configMap.name ?? '', configMap.items, configMap.optional);
  if (secret) builder.secret(secret.secretName ?? '', secret.items, secret.optional);
  if (downwardAPI) builder.downward(downwardAPI.items);
  for (const one of projected?.sources ?? []) builder.projection(one);
  return builder.files;
}
