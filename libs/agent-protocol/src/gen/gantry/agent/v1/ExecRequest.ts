// Original file: proto/gantry/agent/v1/agent.proto


export interface ExecRequest {
  'command'?: (string)[];
  'stdin'?: (boolean);
  'stdout'?: (boolean);
  'stderr'?: (boolean);
  'tty'?: (boolean);
}

export interface ExecRequest__Output {
  'command': (string)[];
  'stdin': (boolean);
  'stdout': (boolean);
  'stderr': (boolean);
  'tty': (boolean);
}
