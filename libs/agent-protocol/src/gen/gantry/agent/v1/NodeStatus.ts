// Original file: proto/gantry/agent/v1/agent.proto


export interface NodeStatus {
  'statusJson'?: (Buffer | Uint8Array | string);
}

export interface NodeStatus__Output {
  'statusJson': (Buffer);
}
