/**
 * Channels of exec and attach, as in Kubernetes' v5.channel.k8s.io. Frames of the launcher's
 * connections: channel (1 byte), payload length (4 bytes, big endian), payload.
 */
export const Channel = {
  stdin: 0,
  stdout: 1,
  stderr: 2,
  /** JSON, the last frame of a session. */
  status: 3,
  resize: 4,
  /** One byte: the channel that the sender is done with. */
  close: 255,
} as const;

export interface Frame {
  readonly channel: number;
  readonly payload: Buffer;
}

/** The longest payload that either side accepts, bytes. */
export const maxPayloadBytes = 64 * 1024;
const headerBytes = 5;

/** One payload as frames, cut where it is too long for one. */
export function encodeFrames(channel: number, payload: Uint8Array): Buffer[] {
  const frames: Buffer[] = [];
  for (let start = 0; start === 0 || start < payload.length; start += maxPayloadBytes) {
    const part = payload.subarray(start, start + maxPayloadBytes);
    const header = Buffer.alloc(headerBytes);
    header.writeUInt8(channel, 0);
    header.writeUInt32BE(part.length, 1);
    frames.push(header, Buffer.from(part.buffer, part.byteOffset, part.length));
  }
  return frames;
}

/** Cuts a byte stream into frames, holding at most one unfinished frame. */
export class FrameDecoder {
  private pending: Buffer = Buffer.alloc(0);

  /** The frames that are complete now. Throws when the peer does not keep to the framing. */
  push(bytes: Buffer): Frame[] {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
    const frames: Frame[] = [];
    while (this.pending.length >= headerBytes) {
      const length = this.pending.readUInt32BE(1);
      if (length > maxPayloadBytes) throw new Error(`frame of ${length} bytes is too long`);
      if (this.pending.length < headerBytes + length) break;
      const end = headerBytes + length;
      frames.push({
        channel: this.pending.readUInt8(0),
        payload: this.pending.subarray(headerBytes, end),
      });
      this.pending = this.pending.subarray(end);
    }
    return frames;
  }
}
