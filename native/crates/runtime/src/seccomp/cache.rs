//! Compiled filters in `ROOT/.seccomp/`, found by a hash of the profile's text. The text itself is
//! kept beside the program and compared, so a collision only costs a compilation.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::Filter;

/// Begins every file; changes with the compiler, so that an upgrade compiles anew.
const MAGIC: &[u8; 16] = concat_magic();
const INSTRUCTION_BYTES: usize = 8;
const FILES_MAX: usize = 64;

const fn concat_magic() -> &'static [u8; 16] {
    b"gantry-seccomp-1"
}

/// The filter for this text. None when it was not compiled before, or by another version.
pub fn load(root: &Path, text: &str) -> Option<Filter> {
    let path = file(root, text);
    // The directory belongs to root alone; a file that does not is not ours.
    if fs::symlink_metadata(&path).ok()?.uid() != rustix::process::geteuid().as_raw() {
        return None;
    }
    decode(&fs::read(path).ok()?, text)
}

/// Keeps a compiled filter. A failure only costs the next compilation.
pub fn store(root: &Path, text: &str, filter: &Filter) {
    let path = file(root, text);
    let Some(dir) = path.parent() else { return };
    let _ = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir);
    let full = fs::read_dir(dir).is_ok_and(|entries| entries.count() >= FILES_MAX);
    if full {
        let _ = fs::remove_dir_all(dir);
        return;
    }
    let temporary = path.with_extension(std::process::id().to_string());
    if fs::write(&temporary, encode(text, filter)).is_ok() {
        let _ = fs::rename(&temporary, &path);
    }
}

fn file(root: &Path, text: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    root.join(".seccomp")
        .join(format!("{:016x}.bpf", hasher.finish()))
}

fn encode(text: &str, filter: &Filter) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(filter.flags.to_ne_bytes());
    bytes.extend((text.len() as u64).to_ne_bytes());
    bytes.extend(text.as_bytes());
    for instruction in &filter.program {
        bytes.extend(instruction.code.to_ne_bytes());
        bytes.extend([instruction.jt, instruction.jf]);
        bytes.extend(instruction.k.to_ne_bytes());
    }
    bytes
}

fn decode(bytes: &[u8], text: &str) -> Option<Filter> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (flags, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u64::from_ne_bytes(*length)).ok()?;
    let (kept, code) = rest.split_at_checked(length)?;
    if kept != text.as_bytes() || code.is_empty() || code.len() % INSTRUCTION_BYTES != 0 {
        return None;
    }
    let program = code
        .chunks_exact(INSTRUCTION_BYTES)
        .map(|chunk| libc::sock_filter {
            code: u16::from_ne_bytes([chunk[0], chunk[1]]),
            jt: chunk[2],
            jf: chunk[3],
            k: u32::from_ne_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]),
        })
        .collect();
    Some(Filter {
        flags: u64::from_ne_bytes(*flags),
        program,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_filters_by_their_text() {
        let text = r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#;
        let filter = Filter::compile(text).unwrap();
        let bytes = encode(text, &filter);
        let same = decode(&bytes, text).unwrap();
        assert_eq!(encode(text, &same), bytes);
        assert!(decode(&bytes, "another").is_none());
        for length in 0..bytes.len() {
            assert!(
                decode(&bytes[..length], text)
                    .is_none_or(|cut| cut.program.len() < filter.program.len()),
                "{length}"
            );
        }
    }
}
