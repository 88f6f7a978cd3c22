//! Streaming decompression: gzip (several members), zstd (several and skippable frames) and plain tar, told
//! apart by their first bytes because media types are often wrong.

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation, OutBuffer};

use crate::refusal::{Code, Refusal, Result};

/// What one step consumed and produced, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub used: usize,
    pub made: usize,
}

pub enum Decoder {
    Plain,
    Gzip(Gzip),
    Zstd(Zstd),
}

/// Bytes that `Decoder::detect` wants to see, unless the blob is shorter.
pub const MAGIC_BYTES: usize = 4;

impl Decoder {
    pub fn detect(start: &[u8]) -> Result<Decoder> {
        Ok(match start {
            [0x1f, 0x8b, ..] => Decoder::Gzip(Gzip::new()),
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

    /// Moves on by at most the given input and room; without any progress more input is needed.
    pub fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress> {
        match self {
            Decoder::Plain => {
                let n = input.len().min(output.len());
                output[..n].copy_from_slice(&input[..n]);
                Ok(Progress { used: n, made: n })
            }
            Decoder::Gzip(gzip) => gzip.step(input, output),
            Decoder::Zstd(zstd) => zstd.step(input, output),
        }
    }

    /// To be called after the last input: refuses a stream that is not complete.
    pub fn finish(&self) -> Result<()> {
        let complete = match self {
            Decoder::Plain => true,
            Decoder::Gzip(gzip) => gzip.state != GzipState::Inside,
            Decoder::Zstd(zstd) => zstd.between_frames,
        };
        if complete {
            return Ok(());
        }
        let message = format!("the {} stream ends in the middle", self.name());
        Err(Refusal::new(Code::CorruptCompression, message))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum GzipState {
    Inside,
    /// After a member: another one may follow, or zeros that pad the blob.
    Between,
    Padding,
}

pub struct Gzip {
    inflate: Decompress,
    state: GzipState,
}

const WINDOW_BITS: u8 = 15;

impl Gzip {
    fn new() -> Self {
        Gzip {
            inflate: Decompress::new_gzip(WINDOW_BITS),
            state: GzipState::Inside,
        }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress> {
        if self.state == GzipState::Between && !input.is_empty() {
            if input[0] == 0x1f {
                *self = Gzip::new();
            } else {
                self.state = GzipState::Padding;
            }
        }
        match self.state {
            GzipState::Inside => self.inflate(input, output),
            GzipState::Between => Ok(Progress { used: 0, made: 0 }),
            GzipState::Padding => skip_padding(input),
        }
    }

    fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress> {
        let (used, made) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(input, output, FlushDecompress::None)
            .map_err(|e| {
                Refusal::new(
                    Code::CorruptCompression,
                    format!("the gzip stream is corrupt: {e}"),
                )
            })?;
        if status == Status::StreamEnd {
            self.state = GzipState::Between;
        }
        Ok(Progress {
            used: (self.inflate.total_in() - used) as usize,
            made: (self.inflate.total_out() - made) as usize,
        })
    }
}

fn skip_padding(input: &[u8]) -> Result<Progress> {
    if input.iter().any(|&byte| byte != 0) {
        return Err(Refusal::new(
            Code::TrailingData,
            "the blob has data after its gzip stream",
        ));
    }
    Ok(Progress {
        used: input.len(),
        made: 0,
    })
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
