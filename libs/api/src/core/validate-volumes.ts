import {
  compareQuantities,
  dnsLabelRule,
  duplicate,
  forbidden,
  invalidValue,
  notSupported,
  required,
  type FieldError,
} from '@gantry/api-machinery';
import { validateFieldRef, validateResourceFieldRef } from './validate-env.js';
import { validateAbsolutePath, validateInnerPath } from './validate-paths.js';
import type {
  DownwardAPIVolumeFile,
  EmptyDirVolumeSource,
  KeyToPath,
  ProjectedVolumeSource,
  Volume,
} from './volume.js';

function validateItems(items: readonly KeyToPath[] | undefined, field: string): FieldError[] {
  return (items ?? []).flatMap((item, index) =>
    validateInnerPath(item.path, `${field}[${index}].path`).filter(
      ({ type }) => type !== 'Required',
    ),
  );
}

const volumeFieldPaths = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

function validateDownwardFiles(
  files: readonly DownwardAPIVolumeFile[] | undefined,
  field: string,
): FieldError[] {
  return (files ?? []).flatMap((file, index) => {
    const at = `${field}[${index}]`;
    const errors = validateInnerPath(file.path, `${at}.path`).filter(
      ({ type }) => type !== 'Required',
    );
    if (file.fieldRef && file.resourceFieldRef) {
      errors.push(
        invalidValue(
          at,
          'resource',
          'fieldRef and resourceFieldRef can not be specified simultaneously',
        ),
      );
    } else if (file.fieldRef) {
      errors.push(...validateFieldRef(file.fieldRef, volumeFieldPaths, `${at}.fieldRef`));
    } else if (file.resourceFieldRef) {
      errors.push(...validateResourceFieldRef(file.resourceFieldRef, `${at}.resourceFieldRef`));
      if (!file.resourceFieldRef.containerName) {
        errors.push(required(`${at}.resourceFieldRef.containerName`));
      }
    } else errors.push(required(at, 'one of fieldRef and resourceFieldRef is required'));
    return errors;
  });
}

function validateEmptyDir(source: EmptyDirVolumeSource, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { medium = '', sizeLimit } = source;
  if (medium !== '' && medium !== 'Memory') {
    errors.push(notSupported(`${field}.medium`, medium, ['', 'Memory']));
  }
  if (sizeLimit !== undefined && compareQuantities(sizeLimit, 0) < 0) {
    const detail = 'must be greater than or equal to 0';
    errors.push(invalidValue(`${field}.sizeLimit`, sizeLimit, detail));
  }
  return errors;
}

function validateProjected(source: ProjectedVolumeSource, field: string): FieldError[] {
  return (source.sources ?? []).flatMap((projection, index) => {
    const at = `${field}.sources[${index}]`;
    const errors: FieldError[] = [];
    const kinds = Object.keys(projection);
    if (kinds.length === 0) errors.push(required(at, 'must specify a projected source'));
    if (kinds.length > 1)
      errors.push(forbidden(at, 'may not specify more than 1 projected source'));
    const { configMap, secret, downwardAPI } = projection;
    if (configMap && !configMap.name) errors.push(required(`${at}.configMap.name`));
    if (secret && !secret.name) errors.push(required(`${at}.secret.name`));
    errors.push(...validateItems(configMap?.items, `${at}.configMap.items`));
    errors.push(...validateItems(secret?.items, `${at}.secret.items`));
    errors.push(...validateDownwardFiles(downwardAPI?.items, `${at}.downwardAPI.items`));
    return errors;
  });
}

function validateSource(volume: Volume, field: string): FieldError[] {
  const { emptyDir, hostPath, configMap, secret, downwardAPI, projected } = volume;
  const errors: FieldError[] = [];
  if (emptyDir) errors.push(...validateEmptyDir(emptyDir, `${field}.emptyDir`));
  if (hostPath?.path) errors.push(...validateAbsolutePath(hostPath.path, `${field}.hostPath.path`));
  if (configMap) {
    if (!configMap.name) errors.push(required(`${field}.configMap.name`));
    errors.push(...validateItems(configMap.items, `${field}.configMap.items`));
  }
  if (secret) {
    if (!secret.secretName) errors.push(required(`${field}.secret.secretName`));
    errors.push(...validateItems(secret.items, `${field}.secret.items`));
  }
  if (downwardAPI) {
    errors.push(...validateDownwardFiles(downwardAPI.items, `${field}.downwardAPI.items`));
  }
  if (projected) errors.push(...validateProjected(projected, `${field}.projected`));
  return errors;
}

/** Faults of the volumes: names unique, exactly one source each, no path that leaves. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  field: string,
): FieldError[] {
  const names = new Set<string>();
  return (volumes ?? []).flatMap((volume, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    const fault = volume.name ? dnsLabelRule(volume.name) : undefined;
    if (fault) errors.push(invalidValue(`${at}.name`, volume.name, fault));
    if (names.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name));
    names.add(volume.name);
    const [, second] = Object.keys(volume).filter((key) => key !== 'name');
    if (second) {
      errors.push(forbidden(`${at}.${second}`, 'may not specify more than 1 volume type'));
    }
    errors.push(...validateSource(volume, at));
    return errors;
  });
}
