// Original file: proto/gantry/agent/v1/agent.proto


/**
 * A core/v1 Event without name; the control plane counts repetitions and names it.
 */
export interface Event {
  'eventJson'?: (Buffer | Uint8Array | string);
}

/**
 * A core/v1 Event without name; the control plane counts repetitions and names it.
 */
export interface Event__Output {
  'eventJson': (Buffer);
}
