//! Streaming decompression: gzip (several members), zstd (several and skippable frames) and plain tar, told
//! apart by their first bytes because media types are often wrong.

mod gzip;
mod member;

use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use crate::refusal::{Code, Refusal, Result};
use gzip::Gzip;

/// How far back in its output a decoder may look.
pub const WINDOW_BYTES: usize = 32 * 1024;

/// What one step consumed and produced, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub used: usize,
    pub made: usize,
}

pub enum Decoder {
    Plain,
    Gzip(Box<Gzip>),
    Zstd(Zstd),
}

/// Bytes that `Decoder::detect` wants to see, unless the blob is shorter.
pub const MAGIC_BYTES: usize = 4;

impl Decoder {
    pub fn detect(start: &[u8]) -> Result<Decoder> {
        Ok(match start {
            [0x1f, 0x8b, ..] => Decoder::Gzip(Box::default()),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Decoder::Zstd(Zstd::new()?)
            }
            _ => Decoder::Plain,
        })
    }

    pub fn name(&self) -> &'static str {
        match self {
            Decoder::Plain => "none",
            Decoder::Gzip(_) => "gzip",
            Decoder::Zstd(_) => "zstd",
        }
    }

    /// Moves on by at most the given input, and by the room in `output` from `at` on; without any progress more
    /// input is needed. Before `at` stands what was made last, `WINDOW_BYTES` of it (at the start: anything).
    pub fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Progress> {
        let room = &mut output[at..];
        match self {
            Decoder::Plain => {
                let n = input.len().min(room.len());
                room[..n].copy_from_slice(&input[..n]);
                Ok(Progress { used: n, made: n })
            }
            Decoder::Gzip(gzip) => gzip.step(input, output, at),
            Decoder::Zstd(zstd) => zstd.step(input, room),
        }
    }

    /// To be called after the last input: refuses a stream that is not complete.
    pub fn finish(&mut self) -> Result<()> {
        let complete = match self {
            Decoder::Plain => true,
            Decoder::Gzip(gzip) => gzip.finish()?,
            Decoder::Zstd(zstd) => zstd.between_frames,
        };
        if complete {
            return Ok(());
        }
        let message = format!("the {} stream ends in the middle", self.name());
        Err(Refusal::new(Code::CorruptCompression, message))
    }
}

pub struct Zstd {
    decoder: ZstdDecoder<'static>,
    between_frames: bool,
    frames: u64,
}

impl Zstd {
    fn new() -> Result<Self> {
        let decoder =
            ZstdDecoder::new().map_err(|e| Refusal::system("start the zstd decoder", e))?;
        Ok(Zstd {
            decoder,
            between_frames: true,
            frames: 0,
        })
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress> {
        if input.is_empty() && self.between_frames {
            return Ok(Progress { used: 0, made: 0 });
        }
        let mut from = InBuffer::around(input);
        let mut to = OutBuffer::around(output);
        let hint = self
            .decoder
            .run(&mut from, &mut to)
            .map_err(|e| self.corrupt(&e))?;
        let progress = Progress {
            used: from.pos(),
            made: to.pos(),
        };
        self.between_frames = hint == 0;
        self.frames += u64::from(hint == 0);
        Ok(progress)
    }

    fn corrupt(&self, error: &std::io::Error) -> Refusal {
        if self.between_frames && self.frames > 0 {
            return Refusal::new(
                Code::TrailingData,
                "the blob has data after its zstd stream",
            );
        }
        Refusal::new(
            Code::CorruptCompression,
            format!("the zstd stream is corrupt: {error}"),
        )
    }
}
