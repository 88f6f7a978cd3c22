// Original file: proto/gantry/agent/v1/agent.proto


export interface Route {
  'nodeName'?: (string);
  'podCidr'?: (string);
  /**
   * The node's address.
   */
  'via'?: (string);
}

export interface Route__Output {
  'nodeName': (string);
  'podCidr': (string);
  /**
   * The node's address.
   */
  'via': (string);
}
