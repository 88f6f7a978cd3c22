// Original file: proto/gantry/agent/v1/agent.proto


/**
 * Channels as in Kubernetes' v5.channel.k8s.io: 0 stdin, 1 stdout, 2 stderr, 3 final status (a
 * metav1.Status as JSON), 4 resize (JSON Width, Height), 255 closes the channel named in its one byte.
 */
export interface Frame {
  /**
   * In the agent's first frame only.
   */
  'streamId'?: (string);
  'channel'?: (number);
  'payload'?: (Buffer | Uint8Array | string);
}

/**
 * Channels as in Kubernetes' v5.channel.k8s.io: 0 stdin, 1 stdout, 2 stderr, 3 final status (a
 * metav1.Status as JSON), 4 resize (JSON Width, Height), 255 closes the channel named in its one byte.
 */
export interface Frame__Output {
  /**
   * In the agent's first frame only.
   */
  'streamId': (string);
  'channel': (number);
  'payload': (Buffer);
}
