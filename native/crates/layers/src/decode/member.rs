//! What stands around the deflate data of a gzip member.

/// Most bytes that its reader has read beyond a deflate stream.
const READ_AHEAD: usize = 3;
const CHECKSUM_BYTES: usize = 4;
const TRAILER_BYTES: usize = 8;

const FLAG_CHECKSUM: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;
const FIXED_BYTES: usize = 10;

/// A header in the reading, byte by byte. Names and comments may be long: they are not kept.
#[derive(Default)]
pub struct Header {
    fixed: [u8; FIXED_BYTES],
    count: usize,
    /// What is still to come of the extra field, once its length is known.
    extra: Option<Extra>,
    names_left: u8,
    checksum_left: u8,
}

enum Extra {
    Length(Option<u8>),
    Left(u16),
}

impl Header {
    pub const FIRST_BYTE: u8 = 0x1f;

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// True once the header is complete.
    pub fn take(&mut self, byte: u8) -> Result<bool, &'static str> {
        if self.count < FIXED_BYTES {
            self.fixed[self.count] = byte;
            self.count += 1;
            self.check_fixed()?;
        } else {
            self.take_optional(byte);
        }
        Ok(self.count == FIXED_BYTES
            && self.extra.is_none()
            && self.names_left == 0
            && self.checksum_left == 0)
    }

    fn check_fixed(&mut self) -> Result<(), &'static str> {
        let flags = self.fixed[3];
        match self.count {
            2 if self.fixed[..2] != [Self::FIRST_BYTE, 0x8b] => Err("it has no gzip header"),
            3 if self.fixed[2] != 8 => Err("its method is not deflate"),
            4 if flags & 0xe0 != 0 => Err("its header has reserved flags"),
            FIXED_BYTES => {
                self.extra = (flags & FLAG_EXTRA != 0).then_some(Extra::Length(None));
                self.names_left =
                    u8::from(flags & FLAG_NAME != 0) + u8::from(flags & FLAG_COMMENT != 0);
                self.checksum_left = if flags & FLAG_CHECKSUM != 0 { 2 } else { 0 };
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn take_optional(&mut self, byte: u8) {
        if let Some(extra) = self.extra.take() {
            self.extra = match extra {
                Extra::Length(None) => Some(Extra::Length(Some(byte))),
                Extra::Length(Some(low)) => left(u16::from_le_bytes([low, byte])),
                Extra::Left(count) => left(count - 1),
            };
        } else if self.names_left > 0 {
            self.names_left -= u8::from(byte == 0);
        } else {
            self.checksum_left = self.checksum_left.saturating_sub(1);
        }
    }
}

fn left(count: u16) -> Option<Extra> {
    (count > 0).then_some(Extra::Left(count))
}

/// The eight bytes behind the data (CRC-32 and length), looked for around the place where the reader stopped.
pub struct Trailer {
    expected: [u8; TRAILER_BYTES],
    /// Bytes before that place, then behind it.
    seen: Vec<u8>,
}

impl Trailer {
    /// The reader has taken the checksum at least, and may have read ahead.
    pub const LOOK_BACK: usize = CHECKSUM_BYTES + READ_AHEAD;
    const BYTES: usize = Self::LOOK_BACK + CHECKSUM_BYTES;

    pub fn new(crc: &crc32fast::Hasher, made: u64, recent: [u8; Self::LOOK_BACK]) -> Trailer {
        let mut expected = [0; TRAILER_BYTES];
        expected[..4].copy_from_slice(&crc.clone().finalize().to_le_bytes());
        // The format counts modulo 2^32.
        expected[4..].copy_from_slice(&(made as u32).to_le_bytes());
        Trailer {
            expected,
            seen: recent.to_vec(),
        }
    }

    /// Takes what it needs; returns how much.
    pub fn take(&mut self, input: &[u8]) -> usize {
        let count = input.len().min(Self::BYTES - self.seen.len());
        self.seen.extend_from_slice(&input[..count]);
        count
    }

    pub fn is_full(&self) -> bool {
        self.seen.len() == Self::BYTES
    }

    /// What was taken beyond the trailer; none when there is no such trailer. The last fitting place counts: only
    /// padding could make an earlier one fit too.
    pub fn surplus(&self) -> Option<&[u8]> {
        (0..=READ_AHEAD).find_map(|ahead| {
            let start = READ_AHEAD - ahead;
            let found = self.seen.get(start..start + TRAILER_BYTES)?;
            (found == self.expected).then(|| &self.seen[start + TRAILER_BYTES..])
        })
    }
}
