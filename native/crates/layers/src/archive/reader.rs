//! The stream of entries.

use std::io::BufRead;

use super::entry::{Entry, Kind, Span, Timestamp};
use super::header::{Block, Header, number, text};
use super::pax::{self, Extensions};
use super::sparse;
use super::{BLOCK_BYTES, MAX_EXTENSION_BYTES};
use crate::refusal::{Code, Refusal, Result};

/// A tar archive over any buffered input. After `next_entry` its data is read with `data` and `consume`; what
/// is left of it is skipped by the next call.
pub struct Archive<R> {
    input: R,
    /// Bytes of the current entry's data that are still to come.
    remaining: u64,
    padding: u64,
    ended: bool,
}

fn corrupt(message: &str) -> Refusal {
    Refusal::new(Code::CorruptArchive, message)
}

impl<R: BufRead> Archive<R> {
    pub fn new(input: R) -> Self {
        Archive {
            input,
            remaining: 0,
            padding: 0,
            ended: false,
        }
    }

    /// The next entry; none at the end-of-archive mark or where the input ends between entries.
    pub fn next_entry(&mut self) -> Result<Option<Entry>> {
        let mut extensions = Extensions::default();
        let mut long = LongNames::default();
        let mut dangling = false;
        loop {
            self.skip(self.remaining + self.padding)?;
            (self.remaining, self.padding) = (0, 0);
            let Some(block) = self.header_block()? else {
                return if dangling {
                    Err(corrupt("an extended header has no entry"))
                } else {
                    Ok(None)
                };
            };
            let header = Header(&block);
            match header.typeflag() {
                b'x' => pax::parse(&self.extension(&header)?, &mut extensions)?,
                b'L' => long.path = Some(text(&self.extension(&header)?).to_vec()),
                b'K' => long.link = Some(text(&self.extension(&header)?).to_vec()),
                // Global headers hold comments in practice (git archive); others ignore them too.
                b'g' => drop(self.extension(&header)?),
                _ => return self.entry(&block, extensions, long).map(Some),
            }
            dangling = header.typeflag() != b'g';
        }
    }

    /// The next piece of the current entry's data; empty at its end.
    pub fn data(&mut self) -> Result<&[u8]> {
        if self.remaining == 0 {
            return Ok(&[]);
        }
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let available = fill(&mut self.input)?;
        if available.is_empty() {
            return Err(corrupt("the archive ends within a file"));
        }
        Ok(&available[..available.len().min(most)])
    }

    pub fn consume(&mut self, count: usize) {
        self.remaining -= count as u64;
        self.input.consume(count);
    }

    /// Reads to the end of the input and refuses anything but zeros there.
    pub fn finish(&mut self) -> Result<()> {
        loop {
            let available = fill(&mut self.input)?;
            if available.is_empty() {
                return Ok(());
            }
            if available.iter().any(|&byte| byte != 0) {
                let message = "the layer has data after the end of its archive";
                return Err(Refusal::new(Code::TrailingData, message));
            }
            let count = available.len();
            self.input.consume(count);
        }
    }

    fn header_block(&mut self) -> Result<Option<Block>> {
        let mut block = [0; BLOCK_BYTES];
        if self.ended || !self.read_block(&mut block)? {
            self.ended = true;
            return Ok(None);
        }
        let header = Header(&block);
        if header.is_zero() {
            self.ended = true;
            return Ok(None);
        }
        header.check_sum()?;
        Ok(Some(block))
    }

    /// False at a clean end of the input.
    fn read_block(&mut self, block: &mut Block) -> Result<bool> {
        let mut filled = 0;
        while filled < BLOCK_BYTES {
            let available = fill(&mut self.input)?;
            if available.is_empty() {
                return if filled == 0 {
                    Ok(false)
                } else {
                    Err(corrupt("the archive ends within a header"))
                };
            }
            let count = available.len().min(BLOCK_BYTES - filled);
            block[filled..filled + count].copy_from_slice(&available[..count]);
            filled += count;
            self.input.consume(count);
        }
        Ok(true)
    }

    fn skip(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            let available = fill(&mut self.input)?;
            if available.is_empty() {
                return Err(corrupt("the archive ends within a file"));
            }
            let step = available
                .len()
                .min(usize::try_from(count).unwrap_or(usize::MAX));
            self.input.consume(step);
            count -= step as u64;
        }
        Ok(())
    }

    fn begin_data(&mut self, size: u64) {
        self.remaining = size;
        self.padding = size.wrapping_neg() % BLOCK_BYTES as u64;
    }

    fn extension(&mut self, header: &Header<'_>) -> Result<Vec<u8>> {
        let size = header.size()?;
        if size > MAX_EXTENSION_BYTES {
            return Err(Refusal::new(
                Code::NameTooLong,
                "an extended header is over 1 MiB",
            ));
        }
        self.begin_data(size);
        self.take_data(size as usize)
    }

    fn take_data(&mut self, size: usize) -> Result<Vec<u8>> {
        let mut data = Vec::with_capacity(size);
        while data.len() < size {
            let wanted = size - data.len();
            let piece = self.data()?;
            if piece.is_empty() {
                return Err(corrupt("the archive ends within a header"));
            }
            let count = piece.len().min(wanted);
            data.extend_from_slice(&piece[..count]);
            self.consume(count);
        }
        Ok(data)
    }

    fn entry(&mut self, block: &Block, extensions: Extensions, long: LongNames) -> Result<Entry> {
        let header = Header(block);
        let path = extensions
            .sparse
            .name
            .clone()
            .or(extensions.path.clone())
            .or(long.path);
        let path = path.unwrap_or_else(|| header.path());
        let kind = kind_of(header.typeflag(), &path);
        // Like Go's reader: types without content have none, whatever their size field says.
        let has_data = matches!(kind, Kind::File | Kind::Other(_));
        let data_size = if has_data {
            extensions.size.map_or_else(|| header.size(), Ok)?
        } else {
            0
        };
        self.begin_data(data_size);
        let (size, spans) = self.sparse(block, &extensions.sparse, data_size)?;
        Ok(Entry {
            path,
            link: extensions
                .link
                .or(long.link)
                .unwrap_or_else(|| header.link().to_vec()),
            kind,
            mode: (header.mode()? & 0o7777) as u32,
            uid: id(extensions.uid.map_or_else(|| header.uid(), Ok)?)?,
            gid: id(extensions.gid.map_or_else(|| header.gid(), Ok)?)?,
            mtime: match extensions.mtime {
                Some(mtime) => mtime,
                None => Timestamp {
                    seconds: header.mtime()?,
                    nanoseconds: 0,
                },
            },
            size,
            major: device_number(&kind, || header.major())?,
            minor: device_number(&kind, || header.minor())?,
            xattrs: extensions.xattrs,
            spans,
        })
    }

    /// The unpacked size, and the map when the file is sparse; reads maps that lie before the data.
    fn sparse(
        &mut self,
        block: &Block,
        fields: &pax::SparseFields,
        data_size: u64,
    ) -> Result<(u64, Option<Vec<Span>>)> {
        let (real_size, spans) = if block[156] == b'S' {
            self.old_gnu_map(block)?
        } else if fields.major == Some(1) && fields.minor == Some(0) {
            (fields.real_size.unwrap_or(0), self.leading_map()?)
        } else if fields.listed {
            (fields.real_size.unwrap_or(0), fields.spans.clone())
        } else {
            return Ok((data_size, None));
        };
        sparse::check(&spans, real_size, self.remaining)?;
        Ok((real_size, Some(spans)))
    }

    fn old_gnu_map(&mut self, block: &Block) -> Result<(u64, Vec<Span>)> {
        let mut spans = Vec::new();
        sparse::parse_pairs(block, 386, 4, &mut spans)?;
        let mut extended = block[482] != 0;
        while extended {
            let mut more = [0; BLOCK_BYTES];
            if !self.read_block(&mut more)? {
                return Err(corrupt("the archive ends within a sparse map"));
            }
            sparse::parse_pairs(&more, 0, 21, &mut spans)?;
            if spans.len() + 21 > super::MAX_SPANS {
                return Err(corrupt("a sparse file's map has too many parts"));
            }
            extended = more[504] != 0;
        }
        Ok((number(&block[483..495])?, spans))
    }

    /// Format 1.0: decimal lines at the start of the data, filled up to a whole block.
    fn leading_map(&mut self) -> Result<Vec<Span>> {
        let mut lines = MapLines {
            archive: self,
            block: Vec::new(),
            at: BLOCK_BYTES,
        };
        let count = lines.number()?;
        if count > super::MAX_SPANS as u64 {
            return Err(corrupt("a sparse file's map has too many parts"));
        }
        let mut spans = Vec::new();
        for _ in 0..count {
            spans.push(Span {
                offset: lines.number()?,
                length: lines.number()?,
            });
        }
        Ok(spans)
    }
}

/// Reads numbers by line and whole blocks at a time, so that the data behind stays aligned.
struct MapLines<'a, R> {
    archive: &'a mut Archive<R>,
    block: Vec<u8>,
    at: usize,
}

impl<R: BufRead> MapLines<'_, R> {
    fn number(&mut self) -> Result<u64> {
        let mut digits = Vec::new();
        loop {
            if self.at == BLOCK_BYTES {
                self.block = self.archive.take_data(BLOCK_BYTES)?;
                self.at = 0;
            }
            let byte = self.block[self.at];
            self.at += 1;
            match byte {
                b'\n' => return pax::decimal(&digits),
                b'0'..=b'9' if digits.len() < 20 => digits.push(byte),
                _ => {
                    return Err(corrupt(
                        "a sparse file's map has no number where one belongs",
                    ));
                }
            }
        }
    }
}

/// GNU's names of over 100 bytes.
#[derive(Default)]
struct LongNames {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

fn fill<R: BufRead>(input: &mut R) -> Result<&[u8]> {
    input.fill_buf().map_err(|e| match e.downcast::<Refusal>() {
        Ok(refusal) => refusal,
        Err(e) => Refusal::system("read the archive", e),
    })
}

fn kind_of(typeflag: u8, path: &[u8]) -> Kind {
    match typeflag {
        // V7 has no type for directories, only a slash at the end of the name.
        0 | b'0' if path.ends_with(b"/") => Kind::Directory,
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::CharacterDevice,
        b'4' => Kind::BlockDevice,
        b'5' => Kind::Directory,
        b'6' => Kind::Fifo,
        other => Kind::Other(other),
    }
}

fn id(value: u64) -> Result<u32> {
    // The highest value means "leave as it is" to chown.
    let id = u32::try_from(value).ok().filter(|&id| id != u32::MAX);
    id.ok_or_else(|| corrupt("an owner is out of range"))
}

fn device_number(kind: &Kind, read: impl FnOnce() -> Result<u64>) -> Result<u32> {
    if !matches!(kind, Kind::CharacterDevice | Kind::BlockDevice) {
        return Ok(0);
    }
    u32::try_from(read()?).map_err(|_| corrupt("a device number is out of range"))
}
