// Original file: proto/gantry/agent/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

/**
 * Something to do with the images of the node. `export` with a pod and container is of that container.
 */
export interface ImageRequest {
  /**
   * list, inspect, pull, push, tag, pin, unpin, remove, prune, load, save, import, export or copy.
   */
  'verb'?: (string);
  /**
   * Names or digests; those that are meant to be present are looked up as they are.
   */
  'images'?: (string)[];
  /**
   * The further name (tag, push), or the name for an archive that says none (load, import).
   */
  'target'?: (string);
  /**
   * Credentials follow on channel 0 as a Docker config.json (pull, push).
   */
  'credentials'?: (boolean);
  /**
   * Pull: ask the registry also when the image is present.
   */
  'always'?: (boolean);
  /**
   * Load, import, pull: never to be collected.
   */
  'pin'?: (boolean);
  /**
   * Prune: only what has not been used for so long; 0: all that no pod uses.
   */
  'unusedForMillis'?: (number | string | Long);
  /**
   * Import: the `config` section of the image configuration, as JSON.
   */
  'configJson'?: (Buffer | Uint8Array | string);
  /**
   * Copy: the node that has the image.
   */
  'fromNode'?: (string);
  /**
   * HOST:PORT at which it serves its peers.
   */
  'fromAddress'?: (string);
}

/**
 * Something to do with the images of the node. `export` with a pod and container is of that container.
 */
export interface ImageRequest__Output {
  /**
   * list, inspect, pull, push, tag, pin, unpin, remove, prune, load, save, import, export or copy.
   */
  'verb': (string);
  /**
   * Names or digests; those that are meant to be present are looked up as they are.
   */
  'images': (string)[];
  /**
   * The further name (tag, push), or the name for an archive that says none (load, import).
   */
  'target': (string);
  /**
   * Credentials follow on channel 0 as a Docker config.json (pull, push).
   */
  'credentials': (boolean);
  /**
   * Pull: ask the registry also when the image is present.
   */
  'always': (boolean);
  /**
   * Load, import, pull: never to be collected.
   */
  'pin': (boolean);
  /**
   * Prune: only what has not been used for so long; 0: all that no pod uses.
   */
  'unusedForMillis': (number);
  /**
   * Import: the `config` section of the image configuration, as JSON.
   */
  'configJson': (Buffer);
  /**
   * Copy: the node that has the image.
   */
  'fromNode': (string);
  /**
   * HOST:PORT at which it serves its peers.
   */
  'fromAddress': (string);
}
