//! gzip (RFC 1952): any number of members, and zeros behind the last. The deflate data is decoded by fdeflate,
//! which wants zlib's wrapping: it is given zlib's header in place of gzip's, and does not check what it takes for
//! a checksum. It reads up to three bytes ahead without telling; where a member really ended is found by its trailer,
//! whose eight bytes are known by then.

use fdeflate::Decompressor;

use super::Progress;
use super::member::{Header, Trailer};
use crate::refusal::{Code, Refusal, Result};

/// Deflate, a window of 32 KiB, no dictionary.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

enum State {
    Header(Header),
    Deflate(Box<Deflate>),
    Trailer(Trailer),
    Padding,
}

struct Deflate {
    decoder: Decompressor,
    crc: crc32fast::Hasher,
    made: u64,
    /// The last bytes of input: the trailer's first may be among them.
    recent: [u8; Trailer::LOOK_BACK],
}

pub struct Gzip {
    state: State,
    members: u64,
}

impl Default for Gzip {
    fn default() -> Self {
        Gzip {
            state: State::Header(Header::default()),
            members: 0,
        }
    }
}

fn corrupt(why: &str) -> Refusal {
    let message = format!("the gzip stream is corrupt: {why}");
    Refusal::new(Code::CorruptCompression, message)
}

fn trailing() -> Refusal {
    let message = "the blob has data after its gzip stream";
    Refusal::new(Code::TrailingData, message)
}

impl Gzip {
    pub fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Progress> {
        match &mut self.state {
            State::Deflate(deflate) => {
                let progress = deflate.step(input, output, at)?;
                if deflate.decoder.is_done() {
                    let trailer = Trailer::new(&deflate.crc, deflate.made, deflate.recent);
                    self.state = State::Trailer(trailer);
                }
                Ok(progress)
            }
            State::Trailer(trailer) => {
                let used = trailer.take(input);
                if trailer.is_full() {
                    self.end_member()?;
                }
                Ok(Progress { used, made: 0 })
            }
            State::Header(_) | State::Padding => {
                let used = self.frame(input)?;
                Ok(Progress { used, made: 0 })
            }
        }
    }

    /// True when the input may end here.
    pub fn finish(&mut self) -> Result<bool> {
        if let State::Trailer(_) = self.state {
            self.end_member()?;
        }
        Ok(match &self.state {
            State::Header(header) => self.members > 0 && header.is_empty(),
            State::Padding => true,
            State::Deflate(_) | State::Trailer(_) => false,
        })
    }

    fn end_member(&mut self) -> Result<()> {
        let State::Trailer(trailer) = &self.state else {
            return Ok(());
        };
        let Some(surplus) = trailer.surplus() else {
            return Err(corrupt("a member's checksum or length is wrong"));
        };
        let surplus = surplus.to_vec();
        self.members += 1;
        self.state = State::Header(Header::default());
        // At most three bytes, which is no whole header.
        self.frame(&surplus).map(|_| ())
    }

    /// Takes bytes between members; returns how many.
    fn frame(&mut self, input: &[u8]) -> Result<usize> {
        for (i, &byte) in input.iter().enumerate() {
            match &mut self.state {
                State::Padding if byte == 0 => {}
                State::Padding => return Err(trailing()),
                State::Header(header) => {
                    if self.members > 0 && header.is_empty() && byte != Header::FIRST_BYTE {
                        self.state = State::Padding;
                        return self.frame(&input[i..]).map(|used| i + used);
                    }
                    if header.take(byte).map_err(corrupt)? {
                        self.state = State::Deflate(Box::new(Deflate::new()?));
                        return Ok(i + 1);
                    }
                }
                State::Deflate(_) | State::Trailer(_) => return Ok(i),
            }
        }
        Ok(input.len())
    }
}

impl Deflate {
    fn new() -> Result<Deflate> {
        let mut decoder = Decompressor::new();
        decoder.ignore_adler32();
        decoder
            .read(&ZLIB_HEADER, &mut [], 0, false)
            .map_err(|e| corrupt(&format!("{e:?}")))?;
        Ok(Deflate {
            decoder,
            crc: crc32fast::Hasher::new(),
            made: 0,
            recent: [0; Trailer::LOOK_BACK],
        })
    }

    fn step(&mut self, input: &[u8], output: &mut [u8], at: usize) -> Result<Progress> {
        let (used, made) = self
            .decoder
            .read(input, output, at, false)
            .map_err(|e| corrupt(&format!("{e:?}")))?;
        self.crc.update(&output[at..at + made]);
        self.made += made as u64;
        self.remember(&input[..used]);
        Ok(Progress { used, made })
    }

    fn remember(&mut self, input: &[u8]) {
        let fresh = &input[input.len().saturating_sub(self.recent.len())..];
        self.recent.rotate_left(fresh.len());
        let kept = self.recent.len() - fresh.len();
        self.recent[kept..].copy_from_slice(fresh);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::decode::WINDOW_BYTES;

    fn member(data: &[u8], level: u32) -> Vec<u8> {
        let level = flate2::Compression::new(level);
        let mut encoder = flate2::GzBuilder::new()
            .filename("a name")
            .comment("a comment")
            .extra(vec![1, 2, 3])
            .write(Vec::new(), level);
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    /// Decodes with inputs and outputs cut into pieces of these sizes.
    fn decode(blob: &[u8], input_bytes: usize, output_bytes: usize) -> Result<Vec<u8>> {
        let mut gzip = Gzip::default();
        let mut made = Vec::new();
        let mut output = vec![0; WINDOW_BYTES + output_bytes];
        for piece in blob.chunks(input_bytes) {
            let mut used = 0;
            loop {
                let progress = gzip.step(&piece[used..], &mut output, WINDOW_BYTES)?;
                used += progress.used;
                let end = WINDOW_BYTES + progress.made;
                made.extend_from_slice(&output[WINDOW_BYTES..end]);
                output.copy_within(progress.made..end, 0);
                if used == piece.len() && progress.made < output_bytes {
                    break;
                }
            }
        }
        assert!(gzip.finish()?, "the stream is not complete");
        Ok(made)
    }

    fn noise(count: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..count)
            .map(|i| if i % 7 < 4 { next() } else { b'x' })
            .collect()
    }

    #[test]
    fn members_and_padding_decode_whatever_pieces_they_come_in() {
        let parts = [
            noise(100_000),
            vec![],
            vec![0; 70_000],
            b"end".to_vec(),
            vec![],
        ];
        let whole = parts.concat();
        for level in [0, 1, 6, 9] {
            let mut blob: Vec<u8> = parts.iter().flat_map(|part| member(part, level)).collect();
            assert_eq!(decode(&blob, 4096, 8192).unwrap(), whole);
            blob.extend([0; 20]);
            for (input_bytes, output_bytes) in [(1, 1 << 16), (3, 100), (11, 1), (1 << 20, 1 << 20)]
            {
                assert_eq!(decode(&blob, input_bytes, output_bytes).unwrap(), whole);
            }
        }
    }

    #[test]
    fn what_is_no_whole_stream_is_refused() {
        let good = member(b"some text, some text, some text", 6);
        for end in 1..good.len() {
            let cut = decode_or_code(&good[..end]);
            assert!(
                matches!(cut, None | Some(Code::CorruptCompression)),
                "{end}"
            );
        }
        for at in [good.len() - 1, good.len() - 5, 0, 2] {
            let mut wrong = good.clone();
            wrong[at] ^= 0x55;
            assert_eq!(
                decode_or_code(&wrong),
                Some(Code::CorruptCompression),
                "{at}"
            );
        }
        for surplus in [&b"more"[..], &[0, 0, 1], &[0x1f, 0x8c, 8]] {
            let code = decode_or_code(&[&good[..], surplus].concat());
            let expected = [Code::TrailingData, Code::CorruptCompression];
            assert!(
                code.is_some_and(|code| expected.contains(&code)),
                "{surplus:?}"
            );
        }
    }

    /// None when it was taken, but is not complete.
    fn decode_or_code(blob: &[u8]) -> Option<Code> {
        let mut gzip = Gzip::default();
        let mut output = vec![0; WINDOW_BYTES + 4096];
        let mut used = 0;
        while used < blob.len() {
            match gzip.step(&blob[used..], &mut output, WINDOW_BYTES) {
                Ok(progress) => used += progress.used,
                Err(e) => return Some(e.code),
            }
        }
        match gzip.finish() {
            Ok(complete) => {
                assert!(!complete, "taken as whole");
                None
            }
            Err(e) => Some(e.code),
        }
    }
}
