//! The framing of exec and attach connections: channel (1 byte), payload length (4 bytes, big
//! endian), payload.

pub const STDIN: u8 = 0;
pub const STDOUT: u8 = 1;
pub const STDERR: u8 = 2;
/// JSON `{"exitCode": n}` or `{"error": …}`; the last frame of a session.
pub const STATUS: u8 = 3;
/// JSON `{"Width": columns, "Height": rows}`.
pub const RESIZE: u8 = 4;
/// One byte: the channel that its sender is done with.
pub const CLOSE: u8 = 255;

/// A peer that sends more in one frame is refused.
pub const MAX_PAYLOAD: usize = 64 * 1024;
const HEADER: usize = 5;

/// Appends one frame to `out`.
pub fn encode(channel: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(channel);
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.extend_from_slice(payload);
}

/// Cuts a byte stream into frames, holding at most one unfinished frame.
#[derive(Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

impl Decoder {
    /// Takes bytes in and calls back for each complete frame. `Err` means that the peer does not
    /// keep to the framing and must be dropped.
    pub fn push(
        &mut self,
        bytes: &[u8],
        mut on_frame: impl FnMut(u8, &[u8]),
    ) -> Result<(), &'static str> {
        self.pending.extend_from_slice(bytes);
        let mut start = 0;
        while self.pending.len() - start >= HEADER {
            let header = &self.pending[start..start + HEADER];
            let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
            if length > MAX_PAYLOAD {
                return Err("frame is longer than 65536 bytes");
            }
            if self.pending.len() - start < HEADER + length {
                break;
            }
            let channel = header[0];
            on_frame(
                channel,
                &self.pending[start + HEADER..start + HEADER + length],
            );
            start += HEADER + length;
        }
        self.pending.drain(..start);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_in_pieces(bytes: &[u8], piece: usize) -> Vec<(u8, Vec<u8>)> {
        let mut decoder = Decoder::default();
        let mut frames = Vec::new();
        for part in bytes.chunks(piece) {
            decoder
                .push(part, |channel, data| frames.push((channel, data.to_vec())))
                .unwrap();
        }
        frames
    }

    #[test]
    fn finds_frames_however_they_are_cut() {
        let mut bytes = Vec::new();
        encode(STDIN, b"hello", &mut bytes);
        encode(CLOSE, &[STDIN], &mut bytes);
        encode(STDOUT, &[7; 300], &mut bytes);
        for piece in 1..bytes.len() {
            let frames = decode_in_pieces(&bytes, piece);
            assert_eq!(frames.len(), 3, "cut every {piece} bytes");
            assert_eq!(frames[0], (STDIN, b"hello".to_vec()));
            assert_eq!(frames[1], (CLOSE, vec![STDIN]));
            assert_eq!(frames[2], (STDOUT, vec![7; 300]));
        }
    }

    #[test]
    fn refuses_an_oversized_frame_before_it_is_buffered() {
        let mut decoder = Decoder::default();
        assert!(
            decoder
                .push(&[0, 0xff, 0xff, 0xff, 0xff], |_, _| ())
                .is_err()
        );
    }
}
