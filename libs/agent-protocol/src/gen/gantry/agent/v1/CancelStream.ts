// Original file: proto/gantry/agent/v1/agent.proto


export interface CancelStream {
  'streamId'?: (string);
}

export interface CancelStream__Output {
  'streamId': (string);
}
