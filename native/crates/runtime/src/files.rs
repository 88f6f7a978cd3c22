//! Reading small files of the kernel: one open, one or two reads, no questions about their size
//! (which for such files is always zero).

use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

const CHUNK_BYTES: usize = 16 * 1024;

/// The whole text of a file of /proc or of a cgroup.
pub fn read(path: impl AsRef<Path>) -> io::Result<String> {
    read_bounded(path.as_ref(), usize::MAX, OFlags::empty())
}

/// As [`read`], of a file that a stranger made: never waits, and takes no more than `max` bytes.
pub fn read_foreign(path: &Path, max: usize) -> io::Result<String> {
    read_bounded(path, max, OFlags::NONBLOCK | OFlags::NOCTTY)
}

fn read_bounded(path: &Path, max: usize, flags: OFlags) -> io::Result<String> {
    let file = rustix::fs::open(
        path,
        flags | OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        if start >= max {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        bytes.resize(start + CHUNK_BYTES, 0);
        match rustix::io::read(&file, &mut bytes[start..]) {
            Ok(read) => {
                bytes.truncate(start + read);
                if read == 0 {
                    break;
                }
            }
            Err(rustix::io::Errno::INTR) => bytes.truncate(start),
            Err(error) => return Err(error.into()),
        }
    }
    String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_of_the_kernel_and_bounds_those_of_strangers() {
        assert!(read("/proc/self/mountinfo").unwrap().contains(" / "));
        let error = read_foreign(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
