//! Reads tar archives (V7, ustar, GNU, PAX) as a stream of entries. Nothing here touches a file system; every
//! length that an archive claims is bounded before memory is taken for it.

mod entry;
mod header;
mod pax;
mod reader;
mod sparse;

pub use entry::{Entry, Kind, Span, Timestamp};
pub use reader::Archive;

/// Tar's unit, in bytes.
pub const BLOCK_BYTES: usize = 512;
/// Most bytes of a PAX header or a GNU long name, as Go's archive/tar has it.
pub const MAX_EXTENSION_BYTES: u64 = 1 << 20;
/// Most spans of data in one sparse file.
pub const MAX_SPANS: usize = 200_000;
