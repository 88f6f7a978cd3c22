// Original file: proto/gantry/agent/v1/agent.proto


export interface Peer {
  'nodeName'?: (string);
  /**
   * HOST:PORT.
   */
  'address'?: (string);
}

export interface Peer__Output {
  'nodeName': (string);
  /**
   * HOST:PORT.
   */
  'address': (string);
}
