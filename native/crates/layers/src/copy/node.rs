//! Copies one file, link or device: data with its holes, owner, mode, attributes and times.

use std::ffi::CStr;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, SeekFrom, Stat, Timespec, Timestamps, Uid, XattrFlags,
    chmodat, chownat, fchmod, fchown, fgetxattr, flistxattr, fsetxattr, fstat, ftruncate, futimens,
    ioctl_ficlone, mknodat, openat, readlinkat, seek, symlinkat, utimensat,
};
use rustix::io::{Errno, pread, pwrite};

use crate::policy::{XattrVerdict, judge_xattr};
use crate::refusal::{Code, Refusal, Result};

const BUFFER_BYTES: usize = 256 * 1024;
/// Room for names and for one value, which the kernel limits too.
const MAX_XATTR_BYTES: usize = 65_536;
const FEW_NAMES_BYTES: usize = 512;
/// The unit of `st_blocks`, whatever the file system's own blocks are.
const BLOCK_BYTES: i64 = 512;

pub struct Copier {
    buffer: Vec<u8>,
    /// Until the file system says that it shares no blocks.
    shares_blocks: bool,
}

impl Default for Copier {
    fn default() -> Self {
        Copier {
            buffer: vec![0; BUFFER_BYTES],
            shares_blocks: true,
        }
    }
}

impl Copier {
    /// Anything but a directory.
    pub fn node(
        &mut self,
        source: &OwnedFd,
        target: &OwnedFd,
        name: &CStr,
        stat: &Stat,
    ) -> Result<()> {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.file(source, target, name, stat),
            FileType::Symlink => {
                let link = readlinkat(source, name, Vec::new())
                    .map_err(|e| Refusal::system("read a symlink", e))?;
                symlinkat(link, target, name).map_err(|e| Refusal::system("copy a symlink", e))?;
                dress_name(target, name, stat)
            }
            kind => {
                mknodat(target, name, kind, permissions(stat), stat.st_rdev)
                    .map_err(|e| Refusal::system("copy a device", e))?;
                dress_name(target, name, stat)?;
                chmodat(target, name, permissions(stat), AtFlags::empty())
                    .map_err(|e| Refusal::system("set a device's mode", e))
            }
        }
    }

    fn file(&mut self, source: &OwnedFd, target: &OwnedFd, name: &CStr, stat: &Stat) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let from = openat(source, name, flags, Mode::empty())
            .map_err(|e| Refusal::system("open a layer's file", e))?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let to = openat(target, name, flags, Mode::from_raw_mode(0o600))
            .map_err(|e| Refusal::system("create a file", e))?;
        if stat.st_size > 0 && !self.share(&from, &to)? {
            self.data(&from, &to, stat)?;
        }
        dress_as(&to, &from, stat)
    }

    /// One copy for all on file systems that can (Btrfs, XFS): nothing is read, nothing is taken from the disk.
    fn share(&mut self, from: &OwnedFd, to: &OwnedFd) -> Result<bool> {
        if !self.shares_blocks {
            return Ok(false);
        }
        match ioctl_ficlone(to, from) {
            Ok(()) => Ok(true),
            Err(Errno::OPNOTSUPP | Errno::XDEV | Errno::INVAL | Errno::NOTTY | Errno::NOSYS) => {
                self.shares_blocks = false;
                Ok(false)
            }
            Err(e) => Err(Refusal::system("share a file's blocks", e)),
        }
    }

    fn data(&mut self, from: &OwnedFd, to: &OwnedFd, stat: &Stat) -> Result<()> {
        let size = stat.st_size as u64;
        if stat.st_blocks * BLOCK_BYTES >= stat.st_size {
            return self.span(from, to, 0, size);
        }
        let failed = |e| Refusal::system("look for a sparse file's data", e);
        let mut at = 0;
        while at < size {
            let start = match seek(from, SeekFrom::Data(at)) {
                // Nothing but a hole is left.
                Err(Errno::NXIO) => break,
                other => other.map_err(failed)?,
            };
            at = seek(from, SeekFrom::Hole(start)).map_err(failed)?;
            self.span(from, to, start, at)?;
        }
        ftruncate(to, size).map_err(|e| Refusal::system("set a sparse file's size", e))
    }

    fn span(&mut self, from: &OwnedFd, to: &OwnedFd, start: u64, end: u64) -> Result<()> {
        let mut at = start;
        while at < end {
            let most = usize::try_from(end - at).map_or(BUFFER_BYTES, |n| n.min(BUFFER_BYTES));
            let count = pread(from, &mut self.buffer[..most], at)
                .map_err(|e| Refusal::system("read a layer's file", e))?;
            if count == 0 {
                return Err(Refusal::new(
                    Code::Io,
                    "a layer's file is shorter than it says",
                ));
            }
            write_all(to, &self.buffer[..count], at)?;
            at += count as u64;
        }
        Ok(())
    }
}

fn write_all(to: &OwnedFd, mut bytes: &[u8], mut at: u64) -> Result<()> {
    while !bytes.is_empty() {
        let count = pwrite(to, bytes, at).map_err(|e| Refusal::system("write a file", e))?;
        if count == 0 {
            return Err(Refusal::new(Code::Io, "write a file: nothing was taken"));
        }
        bytes = &bytes[count..];
        at += count as u64;
    }
    Ok(())
}

/// Gives an open file or directory what the other one has, except for its content.
pub fn dress(to: &OwnedFd, from: &OwnedFd) -> Result<()> {
    let stat = fstat(from).map_err(|e| Refusal::system("look at a layer's directory", e))?;
    dress_as(to, from, &stat)
}

/// Owner first, which clears set-user-ID bits and capabilities; times last, which all the rest changes.
fn dress_as(to: &OwnedFd, from: &OwnedFd, stat: &Stat) -> Result<()> {
    if stat.st_uid != 0 || stat.st_gid != 0 {
        let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        fchown(to, Some(uid), Some(gid)).map_err(|e| Refusal::system("set an owner", e))?;
    }
    fchmod(to, permissions(stat)).map_err(|e| Refusal::system("set a mode", e))?;
    copy_xattrs(to, from)?;
    futimens(to, &times(stat)).map_err(|e| Refusal::system("set times", e))
}

/// Those that layers may carry; what steers an overlay means nothing in a copy.
fn copy_xattrs(to: &OwnedFd, from: &OwnedFd) -> Result<()> {
    let failed = |e| Refusal::system("copy attributes", e);
    // Most files have none or few, and the room for all that may be is too large to clear for each.
    let mut names = vec![0; FEW_NAMES_BYTES];
    let length = match flistxattr(from, &mut names[..]) {
        Err(Errno::OPNOTSUPP) | Ok(0) => return Ok(()),
        Err(Errno::RANGE) => {
            names.resize(MAX_XATTR_BYTES, 0);
            flistxattr(from, &mut names[..]).map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    for name in names[..length].split(|&b| b == 0).filter(|n| !n.is_empty()) {
        if judge_xattr(name) == XattrVerdict::Keep {
            let mut value = vec![0; MAX_XATTR_BYTES];
            let length = fgetxattr(from, name, &mut value[..]).map_err(failed)?;
            fsetxattr(to, name, &value[..length], XattrFlags::empty()).map_err(failed)?;
        }
    }
    Ok(())
}

fn dress_name(parent: &OwnedFd, name: &CStr, stat: &Stat) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    chownat(parent, name, Some(uid), Some(gid), flags)
        .map_err(|e| Refusal::system("set a link's owner", e))?;
    utimensat(parent, name, &times(stat), flags)
        .map_err(|e| Refusal::system("set a link's times", e))
}

fn permissions(stat: &Stat) -> Mode {
    Mode::from_raw_mode(stat.st_mode & 0o7777)
}

fn times(stat: &Stat) -> Timestamps {
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    Timestamps {
        last_access: time(stat.st_atime, stat.st_atime_nsec as i64),
        last_modification: time(stat.st_mtime, stat.st_mtime_nsec as i64),
    }
}
