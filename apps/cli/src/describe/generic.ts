import type { ApiObject, ConfigMap, Secret } from '@gantry/api';
import { metadataLines } from './metadata.js';
import { field, indent, section } from './section.js';

export function describeConfigMap(configMap: ConfigMap): string[] {
  const data = Object.entries(configMap.data ?? {}).flatMap(([key, text]) => [
    `${key}:`,
    ...indent(text.trimEnd().split('\n')),
  ]);
  const binary = Object.entries(configMap.binaryData ?? {}).flatMap(([key, text]) =>
    field(key, `${Buffer.byteLength(text, 'base64')} bytes`),
  );
  return [...metadataLines(configMap), ...section('Data', data), ...section('BinaryData', binary)];
}

/** Sizes only: a description is for screens that others see. */
export function describeSecret(secret: Secret): string[] {
  const data = Object.entries(secret.data ?? {}).flatMap(([key, text]) =>
    field(key, `${Buffer.byteLength(text, 'base64')} bytes`),
  );
  return [...metadataLines(secret), ...field('Type', secret.type), ...section('Data', data)];
}

/** Any other kind: its metadata, and the rest as it stands. */
export async function describeOther(object: ApiObject): Promise<string[]> {
  const { apiVersion, kind, metadata: _, ...rest } = object;
  const { stringify } = await import('yaml');
  const text = stringify(rest, { lineWidth: 0 }).trimEnd();
  return [
    ...metadataLines(object),
    ...field('API Version', apiVersion),
    ...field('Kind', kind),
    ...(Object.keys(rest).length > 0 ? text.split('\n') : []),
  ];
}
