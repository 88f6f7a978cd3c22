// Original file: proto/gantry/agent/v1/agent.proto


/**
 * A ConfigMap, Secret or RuntimeClass that an assigned pod refers to; `deleted` when it is gone. A RuntimeClass
 * has no namespace.
 */
export interface Resource {
  'kind'?: (string);
  'namespace'?: (string);
  'name'?: (string);
  'resourceVersion'?: (string);
  'objectJson'?: (Buffer | Uint8Array | string);
  'deleted'?: (boolean);
}

/**
 * A ConfigMap, Secret or RuntimeClass that an assigned pod refers to; `deleted` when it is gone. A RuntimeClass
 * has no namespace.
 */
export interface Resource__Output {
  'kind': (string);
  'namespace': (string);
  'name': (string);
  'resourceVersion': (string);
  'objectJson': (Buffer);
  'deleted': (boolean);
}
