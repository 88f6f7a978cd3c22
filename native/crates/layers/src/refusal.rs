//! Why a layer was not accepted.

use std::fmt;
use std::io;

/// Stable reason codes; callers decide by them whether to retry, so they never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The command line was wrong.
    Usage,
    /// Another process is writing the same layer.
    Busy,
    /// An unexpected system error; the message names the step.
    Io,
    /// No space or quota left; what was written is gone again.
    DiskFull,
    /// The input ended before the blob was complete; the partial blob is kept for a later resume.
    Truncated,
    SizeMismatch,
    DigestMismatch,
    DiffIdMismatch,
    CorruptCompression,
    CorruptArchive,
    TrailingData,
    PathAbsolute,
    PathEscapes,
    PathInvalid,
    NameTooLong,
    LinkEscapes,
    LinkTargetMissing,
    DeviceRefused,
    SetuidRefused,
    XattrRefused,
    WhiteoutInvalid,
    EntryTypeUnsupported,
    TooManyBytes,
    TooManyEntries,
    /// An earlier stage of the pipeline stopped; its own refusal is the one to report.
    Upstream,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Usage => "usage",
            Code::Busy => "busy",
            Code::Io => "io",
            Code::DiskFull => "disk-full",
            Code::Truncated => "truncated",
            Code::SizeMismatch => "size-mismatch",
            Code::DigestMismatch => "digest-mismatch",
            Code::DiffIdMismatch => "diff-id-mismatch",
            Code::CorruptCompression => "corrupt-compression",
            Code::CorruptArchive => "corrupt-archive",
            Code::TrailingData => "trailing-data",
            Code::PathAbsolute => "path-absolute",
            Code::PathEscapes => "path-escapes",
            Code::PathInvalid => "path-invalid",
            Code::NameTooLong => "name-too-long",
            Code::LinkEscapes => "link-escapes",
            Code::LinkTargetMissing => "link-target-missing",
            Code::DeviceRefused => "device-refused",
            Code::SetuidRefused => "setuid-refused",
            Code::XattrRefused => "xattr-refused",
            Code::WhiteoutInvalid => "whiteout-invalid",
            Code::EntryTypeUnsupported => "entry-type-unsupported",
            Code::TooManyBytes => "too-many-bytes",
            Code::TooManyEntries => "too-many-entries",
            Code::Upstream => "upstream",
        }
    }
}

/// One refused layer or failed step.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: Code,
    /// Lower case, without a full stop; names its step.
    pub message: String,
    /// The archive's entry it is about, as it is named there (bytes outside UTF-8 replaced).
    pub entry: Option<String>,
}

pub type Result<T> = std::result::Result<T, Refusal>;

/// Entry names in messages are cut here, so that a hostile name cannot flood a log.
const SHOWN_NAME_BYTES: usize = 200;

impl Refusal {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Refusal {
            code,
            message: message.into(),
            entry: None,
        }
    }

    /// Names the entry unless an inner step has already done so.
    pub fn with_entry(mut self, path: &[u8]) -> Self {
        self.entry.get_or_insert_with(|| shown(path));
        self
    }

    /// A system error of the named step; full disks and over-long names get codes of their own.
    pub fn system(step: &str, error: impl Into<io::Error>) -> Self {
        let error = error.into();
        let code = match error.raw_os_error() {
            Some(libc_errno::ENOSPC | libc_errno::EDQUOT) => Code::DiskFull,
            Some(libc_errno::ENAMETOOLONG) => Code::NameTooLong,
            _ => Code::Io,
        };
        Refusal::new(code, format!("{step}: {error}"))
    }
}

/// The name for people: lossy UTF-8, control characters escaped, bounded.
pub fn shown(path: &[u8]) -> String {
    let cut = &path[..path.len().min(SHOWN_NAME_BYTES)];
    let mut text: String = String::from_utf8_lossy(cut)
        .chars()
        .flat_map(escape_control)
        .collect();
    if cut.len() < path.len() {
        text.push_str("...");
    }
    text
}

fn escape_control(c: char) -> Vec<char> {
    if c.is_control() {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Some(entry) => write!(f, "{} (entry {entry})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Refusal {}

mod libc_errno {
    pub const ENOSPC: i32 = rustix::io::Errno::NOSPC.raw_os_error();
    pub const EDQUOT: i32 = rustix::io::Errno::DQUOT.raw_os_error();
    pub const ENAMETOOLONG: i32 = rustix::io::Errno::NAMETOOLONG.raw_os_error();
}
