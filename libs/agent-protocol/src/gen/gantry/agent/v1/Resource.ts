// Original file: proto/gantry/agent/v1/agent.proto


/**
 * A ConfigMap or Secret that an assigned pod refers to; `deleted` when it is gone.
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
 * A ConfigMap or Secret that an assigned pod refers to; `deleted` when it is gone.
 */
export interface Resource__Output {
  'kind': (string);
  'namespace': (string);
  'name': (string);
  'resourceVersion': (string);
  'objectJson': (Buffer);
  'deleted': (boolean);
}
