//! A container's output as a CRI log: `TIMESTAMP STREAM P|F TEXT`, rotated by size and count.
//! Rotated files are `PATH.1` (newest) up to `PATH.(maxFiles-1)`. A full disk loses lines, never the
//! container: what was lost is counted and told in the log as soon as it can be written again.

use crate::failure::{AtStep, Outcome};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer lines are cut into partial entries of this many bytes, as the CRI's readers expect.
pub const MAX_LINE: usize = 16 * 1024;
/// An unfinished line (a prompt, a progress bar) is written as a partial entry after this time.
pub const LINGER: Duration = Duration::from_secs(1);

/// Short lines grow by their timestamps; more than this is not held back for one write.
const MAX_BATCH: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    Stdout = 0,
    Stderr = 1,
}

impl Stream {
    fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

pub struct LogOptions {
    pub path: PathBuf,
    pub max_bytes: u64,
    /// The current file counts too.
    pub max_files: u32,
}

pub struct ContainerLog {
    options: LogOptions,
    file: Option<File>,
    size: u64,
    unfinished: [Vec<u8>; 2],
    unfinished_since: Option<Instant>,
    /// Entries that await their one write.
    batch: Vec<u8>,
    lost_bytes: u64,
}

impl ContainerLog {
    /// Opens (or continues) the log; its directory must exist.
    pub fn open(options: LogOptions) -> Outcome<Self> {
        let file = open_append(&options.path).at(format!("open log {}", options.path.display()))?;
        let size = file.metadata().map(|m| m.len()).unwrap_or(0);
        Ok(Self {
            options,
            file: Some(file),
            size,
            unfinished: [Vec::new(), Vec::new()],
            unfinished_since: None,
            batch: Vec::new(),
            lost_bytes: 0,
        })
    }

    /// Takes in what the container wrote to one stream.
    pub fn append(&mut self, stream: Stream, mut bytes: &[u8]) {
        let now = gantry_clock::now();
        while !bytes.is_empty() {
            let room = MAX_LINE - self.unfinished[stream as usize].len();
            let window = &bytes[..bytes.len().min(room)];
            match window.iter().position(|b| *b == b'\n') {
                Some(end) => {
                    self.entry(&now, stream, b'F', &window[..end]);
                    bytes = &bytes[end + 1..];
                }
                None if window.len() == room => {
                    self.entry(&now, stream, b'P', window);
                    bytes = &bytes[room..];
                }
                None => {
                    self.unfinished[stream as usize].extend_from_slice(window);
                    self.unfinished_since.get_or_insert_with(Instant::now);
                    break;
                }
            }
        }
        self.write_batch();
    }

    /// When `write_unfinished` is due, if a line is unfinished.
    pub fn linger_deadline(&self) -> Option<Instant> {
        self.unfinished_since.map(|since| since + LINGER)
    }

    /// Writes unfinished lines as partial entries: after `LINGER`, and when the container has ended.
    pub fn write_unfinished(&mut self) {
        let now = gantry_clock::now();
        for stream in [Stream::Stdout, Stream::Stderr] {
            if !self.unfinished[stream as usize].is_empty() {
                self.entry(&now, stream, b'P', b"");
            }
        }
        self.unfinished_since = None;
        self.write_batch();
    }

    fn entry(&mut self, now: &str, stream: Stream, tag: u8, text: &[u8]) {
        let held = std::mem::take(&mut self.unfinished[stream as usize]);
        let name = stream.name();
        let length = now.len() + name.len() + 5 + held.len() + text.len();
        self.make_room(length as u64);
        for part in [
            now.as_bytes(),
            b" ",
            name.as_bytes(),
            b" ",
            &[tag],
            b" ",
            &held,
            text,
            b"\n",
        ] {
            self.batch.extend_from_slice(part);
        }
        if self.unfinished.iter().all(Vec::is_empty) {
            self.unfinished_since = None;
        }
    }

    fn make_room(&mut self, entry_length: u64) {
        if self.batch.len() > MAX_BATCH {
            self.write_batch();
        }
        let size = self.size + self.batch.len() as u64;
        if size > 0 && size + entry_length > self.options.max_bytes {
            self.write_batch();
            self.rotate();
        }
    }

    fn rotate(&mut self) {
        let path = &self.options.path;
        let keep = self.options.max_files - 1;
        for number in (1..keep).rev() {
            let _ = fs::rename(rotated(path, number), rotated(path, number + 1));
        }
        // Readers hold the old file open and find the rename by its inode, so it is never truncated.
        let gone = if keep == 0 {
            fs::remove_file(path)
        } else {
            fs::rename(path, rotated(path, 1))
        };
        if gone.is_ok() {
            self.file = None;
            self.size = 0;
        }
    }

    fn write_batch(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return;
        }
        let note = self.lost_note();
        if self.write(&[note.as_bytes(), &batch].concat()).is_ok() {
            self.lost_bytes = 0;
        } else {
            self.lost_bytes += batch.len() as u64;
        }
    }

    /// What is said of lost entries as soon as there is room again.
    fn lost_note(&self) -> String {
        if self.lost_bytes == 0 {
            return String::new();
        }
        let (now, lost) = (gantry_clock::now(), self.lost_bytes);
        format!("{now} stderr F gantry: {lost} bytes of log could not be written\n")
    }

    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => open_append(&self.options.path)?,
        };
        let file = self.file.insert(file);
        let written = file.write_all(bytes);
        match written {
            Ok(()) => self.size += bytes.len() as u64,
            // A part of it may be there: readers must never see half an entry.
            Err(_) => drop(file.set_len(self.size)),
        }
        written
    }
}

fn rotated(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

fn open_append(path: &Path) -> std::io::Result<File> {
    // A link in the log's place could point root's writes anywhere.
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_CLOEXEC)
        .open(path)
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
