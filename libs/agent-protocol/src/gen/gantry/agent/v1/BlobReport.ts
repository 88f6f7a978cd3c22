// Original file: proto/gantry/agent/v1/agent.proto


/**
 * What an agent has: a whole list after each Hello (`reset`), then changes.
 */
export interface BlobReport {
  'reset'?: (boolean);
  'have'?: (string)[];
  'gone'?: (string)[];
  /**
   * Neither fetched nor waited for any more.
   */
  'left'?: (string)[];
}

/**
 * What an agent has: a whole list after each Hello (`reset`), then changes.
 */
export interface BlobReport__Output {
  'reset': (boolean);
  'have': (string)[];
  'gone': (string)[];
  /**
   * Neither fetched nor waited for any more.
   */
  'left': (string)[];
}
