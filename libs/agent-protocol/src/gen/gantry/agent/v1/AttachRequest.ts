// Original file: proto/gantry/agent/v1/agent.proto


export interface AttachRequest {
  'stdin'?: (boolean);
  'stdout'?: (boolean);
  'stderr'?: (boolean);
  'tty'?: (boolean);
}

export interface AttachRequest__Output {
  'stdin': (boolean);
  'stdout': (boolean);
  'stderr': (boolean);
  'tty': (boolean);
}
