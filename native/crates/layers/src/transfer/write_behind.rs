//! Saves a large file without filling the page cache with it.

use std::fs::File;
use std::io::Write;
use std::num::NonZeroU64;

use rustix::fs::{Advice, fadvise};

use crate::refusal::{Refusal, Result};

const BEHIND_STEP_BYTES: u64 = 4 << 20;
const BEHIND_BYTES: u64 = 32 << 20;

/// Keeps what nobody will read soon from filling the page cache: fresh pages are dearer than the disk, and others
/// need the cached ones. Writing is begun behind the writer, and what has reached the disk by a while later is let go.
pub struct WriteBehind<'a> {
    file: &'a mut File,
    written: u64,
    begun: u64,
    dropped: u64,
}

impl WriteBehind<'_> {
    pub fn new(file: &mut File) -> Result<WriteBehind<'_>> {
        let at = file
            .metadata()
            .map_err(|e| Refusal::system("save the blob", e))?
            .len();
        Ok(WriteBehind {
            file,
            written: at,
            begun: at,
            dropped: at,
        })
    }

    pub fn write(&mut self, chunk: &[u8]) -> Result<()> {
        self.file
            .write_all(chunk)
            .map_err(|e| Refusal::system("save the blob", e))?;
        self.written += chunk.len() as u64;
        if self.written - self.begun >= BEHIND_STEP_BYTES {
            let_go(self.file, self.begun, self.written);
            self.begun = self.written;
            let until = self.written.saturating_sub(BEHIND_BYTES);
            let_go(self.file, self.dropped, until);
            self.dropped = until.max(self.dropped);
        }
        Ok(())
    }
}

/// Dirty pages are only sent on their way by it; it is a hint, so that it may fail.
fn let_go(file: &File, from: u64, until: u64) {
    if let Some(length) = NonZeroU64::new(until.saturating_sub(from)) {
        let _ = fadvise(file, from, Some(length), Advice::DontNeed);
    }
}
